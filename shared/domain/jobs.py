"""A backfill job: its fields and its states."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.columns import Choice, Column
from shared.domain.destination import Destination
from shared.domain.errors import StaleMessage
from shared.domain.idempotency import Idempotency
from shared.domain.oversized import SKIP, OversizedRows


class JobStatus(StrEnum):
    """How far the job is, as the client sees it."""

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
    """The half-open slice ``start <= partition_key < end``. The bounds are in UTC, in the form that the API
    returns.
    """

    partition_key: str
    start: str
    end: str


FilterValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One staging attempt: it has its own prefix in the bucket and at most one query in Snowflake.

    ``query_id`` is recorded after the query is submitted. Until then the query's tag identifies it.
    """

    attempt_id: str
    claimed_at: datetime
    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The chunks and rows that are not yet delivered to all of a job's destinations."""

    chunks_left: int
    rows_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as Firestore stores it. Its filter values and its counters lie in documents of their own.

    ``confirmed``: the service knows that the job's stage message was published. Until then no function stages
    the job, and the API may remove it.
    ``idempotency``: the client's idempotency key and request, if the client gave a key.
    ``trace``: the `traceparent` of the request that created the job, which is the root of its trace.
    ``chosen``: the columns of the job's rows. An empty tuple means all columns of the table.
    ``columns``: the columns of the staged files. ``key_column``: the table's column that holds the message
    keys.
    ``oversized_rows``: what the client wants for rows that exceed a destination's limit.
    ``retry``: the number of retries; every message carries it. ``time_retried``: the time of the last retry.
    ``attempts``: how many staging attempts began since the last retry.
    ``num_bytes``: the bytes of the staged files. Jobs that older releases staged have none.
    ``time_nudged``, ``nudged_left``: when the sweep last checked the job, and how many chunks were left then.
    ``torn_down``: the remains of an ended job are removed. ``reconciled``: the service has recorded
    everything that Kafka has of the job, as of its teardown or its pause. ``settled``: this is recorded
    for the chunks below that number.
    ``unreconciled_since``: since when a destination may have rows of the job without a record of it, from
    before the last retry or resume. None if everything from before is recorded.
    ``records_until``: until when the records of the job's chunks are kept, from which its receipt is read.
    The teardown sets it. ``records_removed``: the removal of these records has begun.
    ``max_parallel_chunks``: the limit that the client asked for. ``lanes``, ``opening``: see lanes.py.
    Without lanes, no delivery publishes a next chunk.
    ``time_paused``: when the current pause began. ``time_resumed``: when the job was last resumed.
    ``seconds_paused``: the total length of the ended pauses since the job was created or last retried.
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
    unreconciled_since: datetime | None = None
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
        """When the job was created or last retried."""
        return self.time_retried or self.time_created

    @property
    def paused(self) -> bool:
        return self.time_paused is not None

    def unrecorded_since(self, began: datetime) -> datetime:
        """Since when a destination may have a chunk without a record of it; its first delivery began then."""
        if self.unreconciled_since is not None:
            return began
        # Everything from before the last retry or resume is recorded.
        return max(time for time in (began, self.time_retried, self.time_resumed) if time is not None)

    @property
    def unknown_since(self) -> datetime:
        """Since when a destination of the stopped job may have rows without a record of it.

        A second stop does not begin this time anew: its deliveries may never have reached the destination, so
        a commit from before the first stop may still be unknown.
        """
        stopped = self.time_paused or self.time_completed or self.time_begun
        return self.unreconciled_since or stopped

    def seconds_at_work(self, now: datetime) -> float:
        """Return the seconds that count towards the job's time limits. Pauses do not count."""
        end = self.time_paused or now
        return (end - self.time_begun).total_seconds() - self.seconds_paused

    @property
    def workflow_id(self) -> str:
        return f"beam-backfill-{self.organization_id}-{self.job_id}"

    @property
    def prefix(self) -> str:
        """The prefix of all the job's staged files in the bucket, with the trailing slash."""
        return f"{self.organization_id}/{self.job_id}/"

    @property
    def attempt_prefix(self) -> str:
        """The prefix of the current attempt's staged files in the bucket, with the trailing slash."""
        return f"{self.prefix}{self.require_attempt().attempt_id}/"

    @property
    def query_tag(self) -> str:
        """The tag that finds the attempt's query in Snowflake if its id was never recorded."""
        return f"{self.workflow_id}-{self.require_attempt().attempt_id}"

    @property
    def key_columns(self) -> list[str]:
        """The table's columns, in lower case, that the destinations use as message keys."""
        asked = (destination.traits.key_column for destination in self.destinations)
        return list(dict.fromkeys(column for column in asked if column is not None))

    def staged_key(self, destination: Destination) -> str | None:
        """Return the column of the staged files that holds the keys of messages to the destination."""
        wanted = destination.traits.key_column or self.key_column
        if wanted is None:
            return None
        return next((column.name for column in self.columns if column.of_table == wanted.lower()), wanted)

    def told(self, errors: Mapping[str, str]) -> str:
        """Return the destinations' errors, given by uid, as text for the client; empty if there are none."""
        return "; ".join(
            f"{destination.type} {destination.name}: {errors[destination.uid]}"
            for destination in self.destinations
            if destination.uid in errors
        )

    @property
    def skips_oversized(self) -> bool:
        """Return whether rows above a destination's limit are skipped there instead of failing the job."""
        return self.oversized_rows == SKIP

    def require_attempt(self) -> Attempt:
        if self.attempt is None:
            raise StaleMessage("the job has no staging attempt", detail=self.job_id)
        return self.attempt
