"""A backfill job: what it is, the states it goes through, and which changes are legal.

``staging → transporting → completed``, and from either of the first two ``failed`` or ``cancelled``;
from ``failed`` a retry leads back to where the job was.
Everything here is pure: a change answers a new job, and storing it is compare-and-set elsewhere.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.columns import Choice, Column
from shared.domain.destination import Destination
from shared.domain.errors import Busy, StaleMessage, StateConflict
from shared.domain.idempotency import Idempotency
from shared.domain.oversized import SKIP, OversizedRows


class JobStatus(StrEnum):
    """The client's view of how far a job is."""

    STAGING = "staging"
    TRANSPORTING = "transporting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self not in {JobStatus.STAGING, JobStatus.TRANSPORTING}


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open slice ``start <= partition_key < end``; bounds as the API echoes them, in UTC."""

    partition_key: str
    start: str
    end: str


FilterValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at staging: a prefix of its own in the bucket, and at most one query in Snowflake.

    ``query_id`` is written down after the query is submitted; until then its tag finds it.
    """

    attempt_id: str
    claimed_at: datetime
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What is not yet delivered to all of a job's destinations."""

    chunks_left: int
    rows_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is stored; its filter's values and its counts live beside it.

    ``confirmed``: its stage message is known to be published; until then nobody stages it, and the API may
    take it back.
    ``idempotency``: what it was created with, if its client gave a key.
    ``trace``: the request that created it, as the root of its trace (`traceparent`).
    ``chosen``: the columns that its rows have; without any, they have all of the table's.
    ``columns``: those of its staged files; ``key_column``: of the table, whose values are the messages' keys.
    ``oversized_rows``: what becomes of rows larger than a destination takes, as it was given.
    ``retry``: raised by each retry, carried in every message; ``time_retried``: of the last one.
    ``attempts``: how often staging was begun since the last retry.
    ``num_bytes``: of its staged files; jobs staged by older releases have none.
    ``time_nudged``, ``nudged_left``: when the sweep last looked after it, and what was left then.
    ``torn_down``: what a finished job leaves behind has been removed. ``reconciled``: by then, or in its
    pause, everything that Kafka had of it was known; ``settled``: so far it is of the chunks below that
    number.
    ``records_until``: the time until which the records of its chunks are kept, from which its receipt is
    read; set by the teardown. ``records_removed``: they are removed, or their removal has begun.
    ``max_parallel_chunks``: as its client asked. ``lanes``, ``opening``: see lanes.py; without
    lanes, nothing sets its next chunks going.
    ``time_paused``: since when it is paused; ``time_resumed``: when it was last resumed; ``seconds_paused``:
    how long its ended pauses took together, since its creation or last retry.
    """

    organization_id: str
    job_id: str
    job_name: str
    table: str
    window: Window
    destinations: tuple[Destination, ...]
    static_egress_ip: bool
    time_created: datetime
    webhook_batch_rows: int
    filter_column: str | None = None
    filter_parts: int = 0
    idempotency: Idempotency | None = None
    trace: str | None = None
    oversized_rows: OversizedRows | None = None
    chosen: tuple[Choice, ...] = ()
    status: JobStatus = JobStatus.STAGING
    confirmed: bool = False
    retry: int = 0
    time_retried: datetime | None = None
    attempts: int = 0
    attempt: Attempt | None = None
    columns: tuple[Column, ...] = ()
    key_column: str | None = None
    shards: int = 0
    num_chunks: int | None = None
    num_rows: int | None = None
    num_bytes: int | None = None
    error_message: str | None = None
    time_completed: datetime | None = None
    time_nudged: datetime | None = None
    nudged_left: int | None = None
    torn_down: bool = False
    reconciled: bool = False
    settled: int = 0
    records_until: datetime | None = None
    records_removed: bool = False
    max_parallel_chunks: int | None = None
    lanes: int = 0
    opening: int = 0
    time_paused: datetime | None = None
    time_resumed: datetime | None = None
    seconds_paused: float = 0.0

    @property
    def time_begun(self) -> datetime:
        """When it was created or last retried."""
        return self.time_retried or self.time_created

    @property
    def paused(self) -> bool:
        return self.time_paused is not None

    def seconds_at_work(self, now: datetime) -> float:
        """What its limits of time are for: pauses do not count."""
        end = self.time_paused or now
        return (end - self.time_begun).total_seconds() - self.seconds_paused

    @property
    def workflow_id(self) -> str:
        return f"beam-backfill-{self.organization_id}-{self.job_id}"

    @property
    def prefix(self) -> str:
        """Where all of the job's staged files lie in the bucket, with the closing slash."""
        return f"{self.organization_id}/{self.job_id}/"

    @property
    def attempt_prefix(self) -> str:
        """Where the current attempt's staged files lie in the bucket, with the closing slash."""
        return f"{self.prefix}{self.require_attempt().attempt_id}/"

    @property
    def query_tag(self) -> str:
        """Finds the attempt's query in Snowflake when its id was never recorded."""
        return f"{self.workflow_id}-{self.require_attempt().attempt_id}"

    @property
    def key_columns(self) -> list[str]:
        """The table's columns, in lower case, that destinations ask for as their messages' keys."""
        asked = (destination.traits.key_column for destination in self.destinations)
        return list(dict.fromkeys(column for column in asked if column is not None))

    def staged_key(self, destination: Destination) -> str | None:
        """The column of the staged files that holds the keys of messages to the destination."""
        wanted = destination.traits.key_column or self.key_column
        if wanted is None:
            return None
        return next((column.name for column in self.columns if column.of_table == wanted.lower()), wanted)

    @property
    def skips_oversized(self) -> bool:
        """Whether rows larger than a destination takes are left out there, rather than fail the job."""
        return self.oversized_rows == SKIP

    def require_attempt(self) -> Attempt:
        if self.attempt is None:
            raise StaleMessage("the job has no staging attempt", detail=self.job_id)
        return self.attempt


def confirm(job: Job) -> Job:
    """Its stage message is published."""
    return replace(job, confirmed=True)


def claim(
    job: Job, attempt: Attempt, previous: Attempt | None, columns: tuple[Column, ...], key_column: str | None
) -> Job:
    """Begin a staging attempt in place of ``previous``, with the one mapping that all its chunks obey.

    Claiming twice changes nothing; Busy when somebody else was faster, StaleMessage once past staging.
    """
    _require(job, JobStatus.STAGING)
    if job.attempt == attempt:
        return job
    if job.attempt != previous:
        raise Busy("another staging attempt has just begun", detail=job.job_id)
    return replace(
        job,
        attempt=attempt,
        attempts=job.attempts + 1,
        columns=columns,
        key_column=key_column,
    )


def record_query(job: Job, attempt_id: str, query_id: str) -> Job:
    """Write down the attempt's query, also when the job has ended: teardown needs it to abort it.

    Teardown may have been done by then, without the query: its submitter stood still for longer than a
    claim lives. What the query writes is removed by another one. StaleMessage when another attempt has
    begun since.
    """
    attempt = _require_attempt(job, attempt_id)
    if attempt.query_id == query_id:
        return job
    return replace(job, attempt=replace(attempt, query_id=query_id), torn_down=False)


def staged(
    job: Job, attempt_id: str, *, chunks: int, rows: int, size: int, shards: int, now: datetime
) -> Job:
    """The manifest is complete: on to transporting, or to completed when there is nothing to deliver.

    ``size``: bytes of all files.

    Once past staging with the same attempt the job stays as it is.
    """
    _require_attempt(job, attempt_id)
    if job.num_chunks is not None:
        return job
    _require(job, JobStatus.STAGING)
    moved = replace(
        job,
        status=JobStatus.TRANSPORTING,
        num_chunks=chunks,
        num_rows=rows,
        num_bytes=size,
        shards=shards,
    )
    return complete(moved, now) if chunks == 0 else moved


def complete(job: Job, now: datetime) -> Job:
    """Every chunk is delivered. A job that ended otherwise keeps its status: terminal states stay."""
    if job.status.is_terminal:
        return job
    _require(job, JobStatus.TRANSPORTING)
    return _ended(job, JobStatus.COMPLETED, now)


def fail(job: Job, message: str, now: datetime, *, retry: int) -> Job:
    """End the job with a reason its client can act on; of an earlier retry, or ended, it stays as it is."""
    if job.status.is_terminal or job.retry != retry:
        return job
    return replace(_ended(job, JobStatus.FAILED, now), error_message=message)


def cancel(job: Job, now: datetime) -> Job:
    """End the job at its client's wish; a cancelled one stays as it is, StateConflict for other ends."""
    if job.status is JobStatus.CANCELLED:
        return job
    if job.status.is_terminal:
        raise StateConflict(f"The job is {job.status.value} and can no longer be cancelled")
    return _ended(job, JobStatus.CANCELLED, now)


def pause(job: Job, now: datetime) -> Job:
    """Close the job's lanes until it is resumed; a paused one stays as it is.

    StateConflict once it has ended.
    """
    _require_going_on(job, "paused")
    return job if job.paused else replace(job, time_paused=now, lanes=0, reconciled=False)


def resume(job: Job, now: datetime) -> Job:
    """Have a paused job go on; one that is not paused stays as it is.

    StateConflict once it has ended.
    """
    _require_going_on(job, "resumed")
    if job.time_paused is None:
        return job
    paused = job.seconds_paused + (now - job.time_paused).total_seconds()
    return replace(job, time_paused=None, time_resumed=now, seconds_paused=paused, reconciled=False)


def reconcile_pause(job: Job, since: datetime) -> Job:
    """Everything that Kafka had of the job is recorded, in the pause that began then."""
    return replace(job, reconciled=True) if job.time_paused == since else job


def retry(job: Job, now: datetime, *, after: int) -> Job:
    """Have a failed job go on where it was, as the retry after the one numbered ``after``.

    Once made, making it again changes nothing. StateConflict if the job has not failed.
    """
    if job.retry != after:
        return job
    if job.status is not JobStatus.FAILED:
        raise StateConflict(f"The job is {job.status.value}; only a failed job can be retried")
    if job.records_removed:
        raise StateConflict("The job is failed, and its records are no longer kept: create a new backfill")
    return replace(
        job,
        status=JobStatus.STAGING if job.num_chunks is None else JobStatus.TRANSPORTING,
        retry=after + 1,
        time_retried=now,
        attempts=0,
        error_message=None,
        time_completed=None,
        time_nudged=None,
        nudged_left=None,
        torn_down=False,
        reconciled=False,
        settled=0,
        records_until=None,
        seconds_paused=0.0,
    )


def nudge(job: Job, now: datetime, chunks_left: int | None) -> Job:
    """The sweep has looked after the job, and saw that many chunks left."""
    return replace(job, time_nudged=now, nudged_left=chunks_left)


def settle(job: Job, chunk: int, *, retry: int) -> Job:
    """Everything that Kafka has of the ended job's chunks before this one is recorded."""
    if not job.status.is_terminal or job.retry != retry:
        return job
    return replace(job, settled=max(job.settled, chunk))


def tear_down(job: Job, *, retry: int, reconciled: bool, records_kept: timedelta) -> Job:
    """What the ended job left behind is removed; of an earlier retry, or going on, it stays as it is.

    ``records_kept``: how long the records of its chunks are kept after its end.
    """
    if not job.status.is_terminal or job.retry != retry:
        return job
    until = None if job.records_removed else (job.time_completed or job.time_begun) + records_kept
    return replace(job, torn_down=True, reconciled=reconciled, records_until=until)


def expire(job: Job, now: datetime) -> Job:
    """Begin the removal of the records of its chunks; the job can't be retried any more.

    StaleMessage if they are to be kept still, or again.
    """
    if not job.status.is_terminal or job.records_until is None or job.records_until > now:
        raise StaleMessage("the job's records are to be kept", detail=job.job_id)
    return replace(job, records_removed=True)


def forget(job: Job) -> Job:
    """The last record of its chunks is removed."""
    return replace(job, records_until=None)


def _ended(job: Job, status: JobStatus, now: datetime) -> Job:
    return replace(job, status=status, time_completed=now, lanes=0, time_paused=None, reconciled=False)


def _require_going_on(job: Job, done: str) -> None:
    if job.status.is_terminal:
        raise StateConflict(f"The job is {job.status.value} and can no longer be {done}")


def _require(job: Job, status: JobStatus) -> None:
    if job.status is not status:
        raise StaleMessage(f"the job is {job.status.value}, not {status.value}", detail=job.job_id)


def _require_attempt(job: Job, attempt_id: str) -> Attempt:
    if job.attempt is None or job.attempt.attempt_id != attempt_id:
        raise StaleMessage("another staging attempt has begun", detail=job.job_id)
    return job.attempt
