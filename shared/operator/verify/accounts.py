"""How many rows without labels a destination has of some jobs, as far as their receipts tell."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shared.domain.jobs import JobStatus
from shared.operator.verify.spans import Sent, key_of
from shared.steps.records import Receipts


@dataclass(frozen=True, slots=True)
class Account:
    """A job's rows at its destination: ``least`` by its receipt, and ``most`` if every delivery that began
    and has no end on record has committed.
    """

    sent: Sent
    least: int
    most: int

    @property
    def key(self) -> tuple[str, str]:
        return key_of(self.sent)


def accounts_of(span: Iterable[Sent], receipts: Receipts) -> list[Account]:
    return [_account_of(sent, receipts) for sent in span]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many rows are there, at least and at most. ``open`` says why the two differ. ``newcomers``: other
    jobs began to send meanwhile.
    """

    least: int
    most: int
    open: tuple[str, ...]
    newcomers: bool

    @property
    def exact(self) -> bool:
        return self.least == self.most

    def allow(self, rows: int) -> bool:
        return self.least <= rows <= self.most

    def differences(self, rows: int) -> Iterator[str]:
        if rows < self.least:
            yield f"missing: {self.least - rows:,} rows"
        if rows > self.most:
            yield f"too many: {rows - self.most:,} rows"


def bounds_of(before: Sequence[Account], after: Sequence[Account]) -> Bounds:
    """Return the bounds for rows that were read after the one accounts, and before the others.

    A chunk that was recorded before the reading is there. A chunk that has not begun after it is not.
    """
    known = {account.key: account.least for account in before}
    unknown = [one for one in after if known.get(one.key, 0) != one.most]
    return Bounds(
        sum(known.values()),
        sum(one.most for one in after),
        open=tuple(dict.fromkeys(map(_why, unknown))),
        newcomers=any(one.key not in known for one in unknown),
    )


def _account_of(sent: Sent, receipts: Receipts) -> Account:
    job, destination = sent
    if job.records_removed:
        return Account(sent, 0, job.num_rows or 0)
    least = begun = chunks = 0
    for chunk in receipts.chunks(job):
        chunks += 1
        deliveries = [one for one in chunk.deliveries if one.uid == destination.uid]
        done = [one for one in deliveries if one.time_done]
        least += sum(one.rows for one in done)
        # The teardown and a long pause record everything that is committed. Then the rest is not.
        if deliveries and not done and not job.reconciled:
            begun += chunk.rows
    # The records may be removed while they are read.
    most = least + begun if chunks == job.num_chunks else job.num_rows or 0
    return Account(sent, least, most)


def _why(account: Account) -> str:
    job, _ = account.sent
    if job.records_removed:
        return f"job {job.job_id} sent there at the same time, and its receipt is no longer kept"
    if not job.status.is_terminal:
        return f"job {job.job_id} is still {job.status.value}: verify again after its end"
    if job.status is JobStatus.COMPLETED:
        return f"job {job.job_id} was completed meanwhile: verify again"
    return f"job {job.job_id} is {job.status.value}, and not everything that it sent is on record"
