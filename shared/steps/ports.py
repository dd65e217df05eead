"""The protocols that the steps need. The adapters implement them.

Every method may raise ``Unavailable`` if the system behind it does not answer.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, NamedTuple, Protocol

from shared.domain.chunks import Chunk, StagedFile
from shared.domain.destination import Destination
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.domain.messages import Message
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.domain.receipt import ChunkReceipt, LeftOut
from shared.domain.slices import Facts, Slice
from shared.unload.statements import Statement, TableColumn

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class DestinationProgress:
    """The progress of one destination of a job."""

    chunks_done: int
    rows_done: int
    last_error: str | None


class Jobs(Protocol):
    """The record of jobs. A job is always named together with its organization."""

    def create(self, job: Job, filter_values: Sequence[FilterValue]) -> str | None:
        """Record a new job with its filter values, the claims on its topics and its idempotency key.

        If another job has the key, record nothing and return that job's id. Raises TooManyJobs at the
        organization's limit of jobs that have not ended, also when requests are concurrent.
        """
        ...

    def require_room(self, organization_id: str) -> None:
        """Raise TooManyJobs if the organization has reached its limit of jobs that have not ended."""
        ...

    def remove_unconfirmed(self, job: Job) -> bool:
        """Remove an unconfirmed job and its idempotency key. Return False if the job is confirmed."""
        ...

    def get(self, organization_id: str, job_id: str) -> Job | None: ...

    def change(self, organization_id: str, job_id: str, transition: Callable[[Job], Job]) -> Job:
        """Compare and set: apply ``transition`` to the current job, store the result and return it.

        If another write comes first, apply the transition again to the newer job. A result equal to the
        argument stores nothing. Raises StaleMessage if there is no such job.
        """
        ...

    def confirm(self, job: Job) -> None:
        """Record that the job's stage message is published, in whatever state the job now is.

        Raises StaleMessage if there is no such job.
        """
        ...

    def filter_values(self, job: Job) -> list[FilterValue]:
        """Return the filter values. Raises StaleMessage if the job had some and no longer exists."""
        ...

    def counts(self, job: Job) -> Counts | None:
        """Return what is left, consistent with every earlier commit; None until the manifest is committed."""
        ...

    def rows_done(self, job: Job) -> Mapping[str, int]:
        """Return the rows of each destination's finished chunks by the destination's uid, including skipped
        rows. The numbers are consistent with every earlier write.
        """
        ...

    def unequal_chunk(self, job: Job, uid: str) -> int | None:
        """Return the first chunk that is unfinished at the destination, or finished with a wrong number of
        rows.
        """
        ...

    def wanted(self, job: Job) -> bool:
        """Return whether the rows of the job's attempt should be delivered now."""
        ...

    def transporting(self, organization_id: str, most: int) -> int:
        """Return the number of the organization's transporting, unpaused jobs. Stop counting at ``most``."""
        ...

    def active(self) -> Iterator[Job]:
        """Yield the jobs of all organizations that are not terminal, or not torn down yet."""
        ...

    def record_destination_error(
        self, job: Job, uid: str, message: str, wait_until: datetime | None = None
    ) -> None:
        """Show the client the error of a destination, until the job is retried.

        ``wait_until``: the time until which the destination asks the service to wait. A later error keeps it.
        """
        ...

    def asked_to_wait(self, job: Job, uid: str) -> datetime | None:
        """Return the time until which the destination asked to wait, if it did since the job's last retry."""
        ...


class Listings(Protocol):
    """The job listings that the API shows."""

    def jobs(
        self,
        organization_id: str,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
        *,
        statuses: Collection[JobStatus] = (),
        newest_first: bool = False,
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        """Yield the organization's confirmed jobs by (time_created, job_id), read page by page.

        They come oldest first or newest first, beginning behind ``after`` in that order. ``statuses`` selects
        jobs with one of these statuses; empty selects all jobs.
        """
        ...

    def latest_rows(self, organization_id: str, table: str) -> Sequence[int]:
        """Return the row counts of those of the organization's latest 100 jobs that unloaded this table."""
        ...

    def destinations(self, job: Job) -> Mapping[str, DestinationProgress]:
        """Return each destination's progress by its uid."""
        ...


class Receipts(Protocol):
    """The receipt of a job's chunks, which the API shows long after the job has ended."""

    def chunks(self, job: Job, start: int = 0) -> Iterator[ChunkReceipt]:
        """Yield the chunks' receipts from chunk number ``start``, in the order of numbers, page by page."""
        ...

    def left_out(self, job: Job) -> Mapping[str, LeftOut]:
        """Return the skipped rows by the uid of each destination that has some."""
        ...


class Retention(Protocol):
    """The records of chunks whose retention period is over."""

    def due(self, now: datetime, most: int) -> Sequence[Job]:
        """Return jobs of all organizations whose records are due for removal, the longest overdue first."""
        ...

    def remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        """Remove the records of the job's chunks and deliveries. Return False if some may be left.

        ``Listings.destinations`` keeps each destination's numbers of chunks and rows. The method calls
        ``time_is_left`` from time to time, and stops if it returns False.
        """
        ...


class Estimates(Protocol):
    """Estimates of slices."""

    def facts(self, wanted: Slice) -> Facts:
        """Return a slice's facts. Raises SliceRefused with what the table lacks; Unavailable on a timeout."""
        ...


class Rates(Protocol):
    """The rate limits of organizations."""

    def take(self, organization_id: str) -> None:
        """Count one request. Raises TooOften if it exceeds the organization's limit."""
        ...


class Chunks(Protocol):
    """The records of a job's chunks under its current attempt."""

    def record(self, job: Job, chunks: Sequence[Chunk]) -> None:
        """Create the missing records. Existing records stay unchanged, whether delivered or not."""
        ...

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        """Set the job's new state and its counts in one commit, by compare and set like Jobs.change."""
        ...

    def get(self, job: Job, number: int) -> Chunk | None: ...

    def undelivered(self, job: Job, start: int = 0) -> Iterator[Chunk]:
        """Yield undelivered chunks from chunk number ``start``, in the order of numbers, page by page."""
        ...

    def first_undelivered(self, job: Job, numbers: Sequence[int]) -> Chunk | None:
        """Return the first of these chunks that is not delivered, or None."""
        ...

    def count_down(self, job: Job, chunk: Chunk) -> bool:
        """Mark the chunk delivered and decrement its shard, atomically. Idempotent.

        Return True for the chunk that emptied its shard, at every call. The caller then reads all counts.
        """
        ...


class Lease(Protocol):
    """The right to send one chunk to one destination. After another handler took over, every write fails.

    ``skipped``: the skipped rows according to the record. ``splits``: the splits of batches according to it.
    """

    first_batch: int
    skipped: Skipped
    splits: Splits

    def renew(self) -> None:
        """Renew the lease for its full length. Raises Busy if the lease is lost."""
        ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        """Record that all batches before ``next_batch`` are acknowledged; a later holder starts there.

        ``skipped``: all rows skipped so far. ``splits``: the splits of the batches from there on. Both
        replace the record's earlier values. Raises Busy if the lease is lost.
        """
        ...

    def done(self, rows: int, crc32c: str | None) -> None:
        """Record that the destination has the whole chunk. Raises Busy if the lease is lost.

        ``crc32c``: the checksum of the staged file, if the delivery read it.
        """
        ...

    def release(self) -> None:
        """Release the lease, so that a redelivery need not wait. Does nothing if the lease is lost."""
        ...


class Deliveries(Protocol):
    """The records of deliveries, one for each (chunk, destination)."""

    def take(self, job: Job, chunk: int, uid: str) -> Lease | None:
        """Return a lease, or None if the destination has the chunk. Raises Busy if it is already leased."""
        ...

    def begun(self, job: Job) -> Mapping[int, set[str]]:
        """Return the chunks whose delivery ever began, with the uids of the destinations that have them."""
        ...

    def ever_begun(self, job: Job, chunk: int) -> bool:
        """Return whether a delivery of the chunk to any destination ever began."""
        ...

    def leased(self, job: Job, chunk: int | None = None, *, opening: int | None = None) -> bool:
        """Return whether a delivery of the job, or of the given chunk, may still be in progress.

        ``opening``: consider only deliveries of this opening of the job's lanes.
        """
        ...


class Topics(Protocol):
    """The service's own Kafka topics: created for a job, removed only if no other job ever named them."""

    def ensure(self, job: Job, destination: Destination) -> None:
        """Create the topic if it does not exist. Raises Busy while the topic is being removed."""
        ...

    def remove(self, job: Job, destination: Destination) -> None:
        """Remove the topic if this job created it and no other job ever named it."""
        ...


class Publisher(Protocol):
    """Pub/Sub."""

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        """Publish messages of the job. Return only after Pub/Sub has confirmed every message."""
        ...


class UnloadState(StrEnum):
    """The state of a query in Snowflake."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Unloads(Protocol):
    """Snowflake. Permanent refusals raise UnloadRefused, with a message for the client."""

    def describe(self, table: str) -> list[TableColumn]:
        """Return the table's columns in their order."""
        ...

    def submit(self, statement: Statement, tag: str) -> str:
        """Start the statement with the query tag. Return its query id without waiting for its end."""
        ...

    def find(self, tag: str) -> str | None:
        """Return the id of the query that carries the tag, or None if no such query ever started."""
        ...

    def state(self, query_id: str) -> UnloadState: ...

    def files(self, query_id: str) -> list[StagedFile]:
        """Return the manifest of a successful query."""
        ...

    def failure(self, query_id: str) -> Exception:
        """Return why a query failed: UnloadRefused, or Unavailable if another attempt may succeed."""
        ...

    def abort(self, query_id: str) -> None:
        """Request the end of the query. Does nothing if the query has ended or is unknown."""
        ...


class OpenedFile(NamedTuple):
    """A file's bytes as a seekable stream, and the bucket's checksum of them in Base64."""

    content: BinaryIO
    crc32c: str


class StagedFiles(Protocol):
    """The staging bucket."""

    def open(self, path: str, size: int) -> AbstractContextManager[OpenedFile]:
        """Open a file. Raises StagedFileUnusable if it is missing or its size differs."""
        ...

    def delete(self, prefix: str) -> None:
        """Delete every file under the prefix."""
        ...
