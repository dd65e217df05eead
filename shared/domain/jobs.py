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
    """A job as Firestore stores it, by the fields' names. Its filter values and its counters lie in documents
    of their own.

    A text below a field describes it. Documents of older releases may lack a field that has a default.
    """

    # What the client asked for, and what the API adds to it.
    organization_id: str
    job_id: str
    job_name: str
    table: str
    window: Window
    filter_column: str | None = None
    filter_parts: int = 0
    """The number of documents that hold the filter's values."""
    chosen: tuple[Choice, ...] = ()
    """The columns of the job's rows. An empty tuple means all columns of the table."""
    destinations: tuple[Destination, ...]
    oversized_rows: OversizedRows | None = None
    """What the client wants for rows that exceed a destination's limit."""
    static_egress_ip: bool
    max_parallel_chunks: int | None = None
    """The limit that the client asked for."""
    webhook_batch_rows: int
    """The rows per batch for a destination that does not set them."""
    idempotency: Idempotency | None = None
    """The client's idempotency key and request, if the client gave a key."""
    trace: str | None = None
    """The `traceparent` of the request that created the job, which is the root of its trace."""
    time_created: datetime

    # How far the job is.
    status: JobStatus = JobStatus.STAGING
    confirmed: bool = False
    """The service knows that the job's stage message was published. Until then no function stages the job,
    and the API or the sweep may remove it.
    """
    retry: int = 0
    """The number of retries. Stage and chunk messages carry it."""
    time_retried: datetime | None = None
    """The time of the last retry."""
    time_completed: datetime | None = None
    """When the job ended, whatever its status is then."""
    error_message: str | None = None
    """Why the job failed, for its client."""

    # Staging.
    attempts: int = 0
    """How many staging attempts began since the last retry."""
    attempt: Attempt | None = None
    columns: tuple[Column, ...] = ()
    """The columns of the staged files."""
    key_column: str | None = None
    """The table's column that holds the message keys."""

    # What is staged. None and 0 until all of it is.
    num_chunks: int | None = None
    num_rows: int | None = None
    num_bytes: int | None = None
    """The bytes of the staged files. Jobs that older releases staged have none."""
    shards: int = 0
    """The number of documents that count the chunks and rows left."""

    # Lanes: see lanes.py.
    lanes: int = 0
    """Without lanes, no delivery publishes a next chunk."""
    opening: int = 0

    # Pauses.
    time_paused: datetime | None = None
    """When the current pause began."""
    time_resumed: datetime | None = None
    """When the job was last resumed."""
    resumes: int = 0
    """How often the job was resumed while it was staging. Stage messages carry it; later, ``opening`` tells
    messages from before a pause.
    """
    seconds_paused: float = 0.0
    """The total length of the ended pauses since the job was created or last retried."""

    # What the service knows of a stopped job's rows at its destinations.
    reconciled: bool = False
    """The service has recorded everything that Kafka has of the job, as of its teardown or its pause."""
    settled: int = 0
    """The same, for the chunks below this number."""
    unreconciled_since: datetime | None = None
    """Since when a destination may have rows of the job without a record of it, from before the last retry or
    resume. None if everything from before is recorded.
    """

    # After the end.
    torn_down: bool = False
    """The remains of the ended job are removed."""
    records_until: datetime | None = None
    """Until when the records of the job's chunks are kept, from which its receipt is read. The teardown sets
    it.
    """
    records_removed: bool = False
    """The removal of these records has begun."""

    # The sweep's last check.
    time_nudged: datetime | None = None
    nudged_left: int | None = None
    """How many chunks were left then."""

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
