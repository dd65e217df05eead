"""Compare one destination with the receipts of the jobs that sent to it, and with Snowflake.

Deliveries may go on meanwhile. So receipts are read before the rows, for what is certainly there, and again
after them, for what may be there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from shared.destinations.kind import FoundRow, Reader
from shared.domain.destination import Destination
from shared.operator.verify.accounts import Bounds, accounts_of, bounds_of
from shared.operator.verify.digests import Digests, differences, digest_of
from shared.operator.verify.labels import Labelled
from shared.operator.verify.spans import Sent, Span, is_whole, key_of
from shared.operator.verify.table import Row, Table, Unloaded
from shared.steps.records import Receipts

_SHOWN = 300  # bytes of a row


class Outcome(StrEnum):
    """The result for one destination. ``UNSURE``: neither equality nor a difference is proven."""

    EQUAL = "equal"
    DIFFERENT = "DIFFERENT"
    UNSURE = "cannot be told apart"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one destination: a summary, and a line for each of the first differences."""

    outcome: Outcome
    summary: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``look_again`` returns the span as it is by then. ``most``: the number of differences to name.
    ``folder``: an empty folder for the hashes of rows.
    """

    reader: Reader
    receipts: Receipts
    look_again: Callable[[], Span]
    most: int
    folder: Path

    def counts(self, span: Span) -> Verdict:
        """Compare the number of rows, or each row if the rows have labels."""
        if not span.marked:
            return self._labels(span)
        before = accounts_of(span.sent, self.receipts)
        found = strangers = 0
        for row in self._rows(span):
            found += row.label is None
            strangers += row.label is not None
        bounds = bounds_of(before, accounts_of(self.look_again().sent, self.receipts))
        told = f"{bounds.least:,} rows were delivered, {found:,} were found{_strangers(strangers)}"
        lines = [f"{line}; --table names them" for line in bounds.differences(found)]
        return Verdict(_outcome(bounds, found), f"{told}{_together(span)}", (*lines, *bounds.open))

    def rows(self, span: Span, table: Table) -> Verdict:
        """Compare every row and its key with the slices as they are in Snowflake now.

        The first job's slice must be there, and those of other completed jobs. Any part of the other slices
        may be there.
        """
        whole = [span.first, *filter(is_whole, span.others)]
        partial = [sent for sent in span.others if not is_whole(sent)]
        labelled, before = self._labelled(span), accounts_of(partial, self.receipts)
        left_out = sum(map(self._left_out, whole))
        with ExitStack() as stack:
            expected = stack.enter_context(Digests(self.folder / "expected"))
            found = stack.enter_context(Digests(self.folder / "found"))
            unloaded = [(stack.enter_context(table.of(job)), destination) for job, destination in whole]
            _add(expected, _all_rows(unloaded))
            tolerated = self._tolerated(stack, partial, table)
            _add(found, self._compared(span, labelled))
            bounds = bounds_of(before, accounts_of(self._others_now(whole), self.receipts))
            differ = differences(expected, found, self.most, tolerated)
            others = found.rows - (expected.rows - left_out)
            summary = (
                f"{expected.rows:,} rows are in the slice, {found.rows:,} were found"
                f"{_repeated(labelled)}{_skipped(left_out)}: {differ.missing:,} missing,"
                f" {differ.surplus:,} too many{_of_partial(partial)}"
            )
            if differ.missing <= left_out and bounds.newcomers:
                # Its rows are neither tolerated nor told apart from surplus ones.
                return Verdict(Outcome.UNSURE, summary, bounds.open)
            if differ.missing > left_out or differ.surplus:
                lines = [*_missing(unloaded, differ.named), *self._surplus(span, differ.named)]
                return Verdict(Outcome.DIFFERENT, summary, tuple(lines))
            if not differ.shared:
                return Verdict(Outcome.EQUAL, summary)
            # Another job's row may hide that one of these is missing or repeated. The sum shows it.
            lines = [f"{line}, of rows that both slices have" for line in bounds.differences(others)]
            return Verdict(_outcome(bounds, others), summary, (*lines, *bounds.open))

    def _labels(self, span: Span) -> Verdict:
        job, _ = span.first
        labelled, strangers = self._labelled(span), 0
        for row in self._rows(span):
            if row.label is None or (not labelled.see(*row.label) and row.label[0] != job.job_id):
                strangers += 1
        return Verdict(
            Outcome.DIFFERENT if labelled.missing() else Outcome.EQUAL,
            f"{labelled.expected:,} rows were delivered, {labelled.found:,} were found"
            f"{_repeated(labelled)}{_strangers(strangers)}",
            tuple(islice(labelled.first_missing(), self.most)),
        )

    def _labelled(self, span: Span) -> Labelled:
        """Return the rows of the first job that its receipt has, if they have labels."""
        job, destination = span.first
        labelled = Labelled()
        for chunk in () if span.marked else self.receipts.chunks(job):
            done = [one for one in chunk.deliveries if one.uid == destination.uid and one.time_done]
            if done:
                labelled.expect(job.job_id, chunk.number, chunk.rows, sum(one.skipped for one in done))
        return labelled

    def _compared(self, span: Span, labelled: Labelled) -> Iterator[Row]:
        """Yield the rows that may be the first job's, each label once."""
        for row in self._rows(span):
            if span.marked if row.label is None else labelled.see(*row.label):
                yield row.key, row.value

    def _tolerated(self, stack: ExitStack, partial: Sequence[Sent], table: Table) -> Digests | None:
        if not partial:
            return None  # each set has up to 256 open files
        tolerated = stack.enter_context(Digests(self.folder / "tolerated"))
        for job, destination in partial:
            with table.of(job) as unloaded:
                _add(tolerated, unloaded.rows(destination))
        return tolerated

    def _others_now(self, whole: Sequence[Sent]) -> list[Sent]:
        known = set(map(key_of, whole))
        return [sent for sent in self.look_again().others if key_of(sent) not in known]

    def _left_out(self, sent: Sent) -> int:
        job, destination = sent
        found = self.receipts.left_out(job).get(destination.uid)
        return 0 if found is None else found.rows

    def _rows(self, span: Span) -> Iterator[FoundRow]:
        job, destination = span.first
        return self.reader.rows(job.organization_id, destination, span.since, span.until)

    def _surplus(self, span: Span, named: Mapping[bytes, int]) -> Iterator[str]:
        """Yield the named surplus rows, each with its position."""
        wanted = {digest for digest, difference in named.items() if difference > 0}
        for row in self._rows(span) if wanted else ():
            if digest_of(row.key, row.value) in wanted:
                yield f"too many: {row.place}, key {_text(row.key)}: {_text(row.value)}"


def _outcome(bounds: Bounds, found: int) -> Outcome:
    if not bounds.allow(found):
        return Outcome.DIFFERENT
    return Outcome.EQUAL if bounds.exact else Outcome.UNSURE


def _add(digests: Digests, rows: Iterable[Row]) -> None:
    for key, line in rows:
        digests.add(digest_of(key, line))


def _all_rows(unloaded: Sequence[tuple[Unloaded, Destination]]) -> Iterator[Row]:
    for one, destination in unloaded:
        yield from one.rows(destination)


def _missing(unloaded: Sequence[tuple[Unloaded, Destination]], named: Mapping[bytes, int]) -> Iterator[str]:
    wanted = {digest: -difference for digest, difference in named.items() if difference < 0}
    for key, line in _all_rows(unloaded) if wanted else ():
        digest = digest_of(key, line)
        if wanted.get(digest, 0) > 0:
            wanted[digest] -= 1
            yield f"missing: key {_text(key)}: {_text(line)}"


def _together(span: Span) -> str:
    (first, _), shared = span.first, list[str]()
    beside = [str(destination) for job, destination in span.others if job.job_id == first.job_id]
    if beside:
        has = "it has" if len(beside) == 1 else "they have"
        shared.append(f"; rows of {' and '.join(beside)} are counted too: {has} the same place")
    if others := _ids([sent for sent in span.others if sent[0].job_id != first.job_id]):
        shared.append(f"; jobs that sent there at the same time are counted too: {others}")
    return "".join(shared)


def _of_partial(partial: Sequence[Sent]) -> str:
    return f"; rows of jobs that did not complete are allowed: {_ids(partial)}" if partial else ""


def _ids(sent: Sequence[Sent]) -> str:
    return ", ".join(dict.fromkeys(job.job_id for job, _ in sent))


def _strangers(rows: int) -> str:
    return f", and {rows:,} of other jobs" if rows else ""


def _repeated(labelled: Labelled) -> str:
    return f", {labelled.repeated:,} of them repeated under their own labels" if labelled.repeated else ""


def _skipped(left_out: int) -> str:
    return f", {left_out:,} were skipped as too large" if left_out else ""


def _text(value: bytes | None) -> str:
    """Return untrusted bytes as text for a terminal: truncated, without control characters."""
    if value is None:
        return "none"
    return "".join(one if one.isprintable() else "?" for one in value[:_SHOWN].decode(errors="replace"))
