"""Compare one destination with the receipts of the jobs that sent to it, and with Snowflake."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from shared.destinations.kind import FoundRow, Reader
from shared.domain.destination import Destination
from shared.domain.jobs import Job
from shared.operator.verify.digests import Digests, differences, digest_of
from shared.operator.verify.labels import Labelled
from shared.operator.verify.table import Table, Unloaded
from shared.steps.records import Receipts

# Senders' and brokers' clocks differ, and a commit takes a moment.
_MARGIN = timedelta(minutes=5)
_SHOWN = 300  # characters of a row

Sent = tuple[Job, Destination]
"""A job, and its destination to compare."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one destination: a summary, and a line for each of the first differences."""

    equal: bool
    summary: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """All jobs that sent to one place at the same time. Only rows with labels name their job."""

    sent: tuple[Sent, ...]
    since: datetime
    until: datetime


def span_of(first: Sent, others: Iterable[Sent], now: datetime) -> Span:
    """Return the first job, with all others of the same place that overlap it directly or indirectly."""
    sent, waiting = [first], list(others)
    since, until = _time_of(first, now)
    while overlapping := [
        other for other in waiting if _time_of(other, now)[0] < until and since < _time_of(other, now)[1]
    ]:
        sent += overlapping
        waiting = [other for other in waiting if other not in overlapping]
        since = min(since, *(_time_of(other, now)[0] for other in overlapping))
        until = max(until, *(_time_of(other, now)[1] for other in overlapping))
    return Span(tuple(sent), since, until)


def _time_of(sent: Sent, now: datetime) -> tuple[datetime, datetime]:
    job, _ = sent
    return job.time_created - _MARGIN, (job.time_completed or now) + _MARGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``most``: the number of differences to name. ``folder``: an empty folder for the hashes of rows."""

    reader: Reader
    receipts: Receipts
    most: int
    folder: Path

    def counts(self, span: Span) -> Verdict:
        """Compare the number of rows, and each labelled row."""
        labelled, expected = self._expected(span)
        unlabelled = strangers = 0
        for row in self._rows(span):
            if row.label is None:
                unlabelled += 1
            elif not labelled.see(*row.label) and row.label[0] not in _ids(span):
                strangers += 1
        lines = [*islice(labelled.first_missing(), self.most)]
        if unlabelled != expected:
            lines.append(_difference(unlabelled - expected))
        return Verdict(
            not labelled.missing() and unlabelled == expected,
            _summary(span, labelled, expected, unlabelled, strangers),
            tuple(lines),
        )

    def rows(self, span: Span, table: Table) -> Verdict:
        """Compare every row and its key with the slices as they are in Snowflake now."""
        labelled, _ = self._expected(span)
        left_out = sum(self._left_out(sent) for sent in span.sent)
        with ExitStack() as stack:
            expected = stack.enter_context(Digests(self.folder / "expected"))
            found = stack.enter_context(Digests(self.folder / "found"))
            unloaded = [(stack.enter_context(table.of(job)), destination) for job, destination in span.sent]
            for key, line in _all_rows(unloaded):
                expected.add(digest_of(key, line))
            for row in self._rows(span):
                if row.label is None or labelled.see(*row.label):
                    found.add(digest_of(row.key, row.value))
            missing, surplus, named = differences(expected, found, self.most)
            lines = [*_missing(unloaded, named), *self._surplus(span, named)]
            summary = (
                f"{expected.rows:,} rows are in the slice, {found.rows:,} were found"
                f"{_repeated(labelled)}{_skipped(left_out)}: {missing:,} missing, {surplus:,} too many"
            )
            return Verdict(missing <= left_out and not surplus, summary, tuple(lines))

    def _expected(self, span: Span) -> tuple[Labelled, int]:
        """Return the labelled rows, and the expected number of rows without labels."""
        labelled, unlabelled = Labelled(), 0
        for job, destination in span.sent:
            for chunk in self.receipts.chunks(job):
                done = [one for one in chunk.deliveries if one.uid == destination.uid and one.time_done]
                if destination.traits.marked:
                    unlabelled += sum(one.rows for one in done)
                elif done:
                    skipped = sum(one.skipped for one in done)
                    labelled.expect(job.job_id, chunk.number, chunk.rows, skipped)
        return labelled, unlabelled

    def _left_out(self, sent: Sent) -> int:
        job, destination = sent
        found = self.receipts.left_out(job).get(destination.uid)
        return 0 if found is None else found.rows

    def _rows(self, span: Span) -> Iterator[FoundRow]:
        job, destination = span.sent[0]
        return self.reader.rows(job.organization_id, destination, span.since, span.until)

    def _surplus(self, span: Span, named: Mapping[bytes, int]) -> Iterator[str]:
        """Yield the named surplus rows, each with its position."""
        wanted = {digest for digest, difference in named.items() if difference > 0}
        for row in self._rows(span) if wanted else ():
            if digest_of(row.key, row.value) in wanted:
                yield f"too many: {row.place}, key {_text(row.key)}: {_text(row.value)}"


def _all_rows(unloaded: Sequence[tuple[Unloaded, Destination]]) -> Iterator[tuple[bytes | None, bytes]]:
    for one, destination in unloaded:
        yield from one.rows(destination)


def _missing(unloaded: Sequence[tuple[Unloaded, Destination]], named: Mapping[bytes, int]) -> Iterator[str]:
    wanted = {digest: -difference for digest, difference in named.items() if difference < 0}
    for key, line in _all_rows(unloaded) if wanted else ():
        digest = digest_of(key, line)
        if wanted.get(digest, 0) > 0:
            wanted[digest] -= 1
            yield f"missing: key {_text(key)}: {_text(line)}"


def _ids(span: Span) -> set[str]:
    return {job.job_id for job, _ in span.sent}


def _summary(span: Span, labelled: Labelled, expected: int, unlabelled: int, strangers: int) -> str:
    told = f"{expected + labelled.expected:,} rows were delivered, {unlabelled + labelled.found:,} were found"
    others = f", and {strangers:,} of other jobs" if strangers else ""
    return f"{told}{_repeated(labelled)}{others}{_together(span)}"


def _together(span: Span) -> str:
    others = [job.job_id for job, _ in span.sent[1:]]
    return f"; jobs that sent there at the same time are counted too: {', '.join(others)}" if others else ""


def _repeated(labelled: Labelled) -> str:
    return f", {labelled.repeated:,} of them repeated under their own labels" if labelled.repeated else ""


def _skipped(left_out: int) -> str:
    return f", {left_out:,} were skipped as too large" if left_out else ""


def _difference(rows: int) -> str:
    if rows < 0:
        return f"missing: {-rows:,} rows; --table names them"
    return f"too many: {rows:,} rows; --table names them"


def _text(value: bytes | None) -> str:
    """Return untrusted bytes as text for a terminal: truncated, without control characters."""
    if value is None:
        return "none"
    return "".join(one if one.isprintable() else "?" for one in value[:_SHOWN].decode(errors="replace"))
