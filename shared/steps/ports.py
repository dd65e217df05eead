"""What the steps need of the outside, as small interfaces; the adapters fulfil them.

Every method may raise ``Unavailable`` when the part behind it does not answer.
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
    """How far one destination of a job is."""

    chunks_done: int
    rows_done: int
    last_error: str | None


class Jobs(Protocol):
    """The record of jobs. A job is always named together with its organization."""

    def create(self, job: Job, filter_values: Sequence[FilterValue]) -> str | None:
        """Record a new job with its filter's values and its claims on its topics and its key.

        Or nothing at all, and answer the id of the job that has the key; TooManyJobs when the organization
        has as many as it may that have not ended, however many are being recorded at once.
        """
        ...

    def require_room(self, organization_id: str) -> None:
        """TooManyJobs when the organization has as many jobs as it may that have not ended."""
        ...

    def remove_unconfirmed(self, job: Job) -> bool:
        """Take back a job, and its key, that is not confirmed; False if it is by now."""
        ...

    def get(self, organization_id: str, job_id: str) -> Job | None: ...

    def change(self, organization_id: str, job_id: str, transition: Callable[[Job], Job]) -> Job:
        """Compare and set: apply ``transition`` to the job as it is and store what it answers.

        Runs the transition anew on the newer job when somebody else was faster; an answer equal to its
        argument stores nothing. StaleMessage if there is no such job.
        """
        ...

    def confirm(self, job: Job) -> None:
        """Store that the job's stage message is published, whatever else became of it meanwhile.

        StaleMessage if there is no such job.
        """
        ...

    def filter_values(self, job: Job) -> list[FilterValue]:
        """StaleMessage if the job had some and is gone."""
        ...

    def counts(self, job: Job) -> Counts | None:
        """What is left, consistent with every commit before; None until the manifest is committed."""
        ...

    def rows_done(self, job: Job) -> Mapping[str, int]:
        """By the destinations' uids, the rows of the chunks that each is done with, consistent with every
        write before; rows that were left out included.
        """
        ...

    def unequal_chunk(self, job: Job, uid: str) -> int | None:
        """The first chunk with which the destination is not done, or done with another number of rows."""
        ...

    def wanted(self, job: Job) -> bool:
        """Whether the rows of the job's attempt are still to be delivered, and now."""
        ...

    def transporting(self, organization_id: str, most: int) -> int:
        """How many of the organization's jobs are transporting, not paused; counts no more than ``most``."""
        ...

    def active(self) -> Iterator[Job]:
        """Jobs of all organizations that are not at rest: not terminal, or not yet torn down."""
        ...

    def record_destination_error(
        self, job: Job, uid: str, message: str, wait_until: datetime | None = None
    ) -> None:
        """Show the client what keeps a destination from going on, until the job is retried.

        ``wait_until``: until when it asks to be left alone, which a later error does not take back.
        """
        ...

    def asked_to_wait(self, job: Job, uid: str) -> datetime | None:
        """Until when the destination asked to be left alone, if it did since the job's last retry."""
        ...


class Listings(Protocol):
    """What the API shows."""

    def jobs(
        self,
        organization_id: str,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
        *,
        statuses: Collection[JobStatus] = (),
        newest_first: bool = False,
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        """The organization's confirmed jobs by (time_created, job_id), read page by page.

        Oldest first or newest first, those behind ``after`` in that order. ``statuses``: only jobs that have
        one of them; without any, all jobs.
        """
        ...

    def latest_rows(self, organization_id: str, table: str) -> Sequence[int]:
        """The rows of those of the organization's latest 100 jobs that unloaded this table."""
        ...

    def destinations(self, job: Job) -> Mapping[str, DestinationProgress]:
        """By the destination's uid."""
        ...


class Receipts(Protocol):
    """What the API shows of a job's chunks, long after it has ended."""

    def chunks(self, job: Job, start: int = 0) -> Iterator[ChunkReceipt]:
        """From the chunk numbered ``start`` on, in the order of their numbers, read page by page."""
        ...

    def left_out(self, job: Job) -> Mapping[str, LeftOut]:
        """By the uids of the destinations that were not sent some rows."""
        ...


class Retention(Protocol):
    """The records of chunks that were kept for long enough."""

    def due(self, now: datetime, most: int) -> Sequence[Job]:
        """Jobs of all organizations whose records are to be removed, those that are due for longest first."""
        ...

    def remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        """Remove the records of the job's chunks and deliveries; False if there may be some left.

        How many chunks and rows each destination was done with stays told by ``Listings.destinations``.
        ``time_is_left`` is asked now and then.
        """
        ...


class Estimates(Protocol):
    """What is in a slice."""

    def facts(self, wanted: Slice) -> Facts:
        """SliceRefused with what the table lacks; Unavailable if there is no answer in time."""
        ...


class Rates(Protocol):
    """How often an organization may ask."""

    def take(self, organization_id: str) -> None:
        """TooOften for one more than it may."""
        ...


class Chunks(Protocol):
    """The records of a job's chunks under its current attempt."""

    def record(self, job: Job, chunks: Sequence[Chunk]) -> None:
        """Create what is not yet recorded; what is stays as it is, delivered or not."""
        ...

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        """Set the job's new state and its counts in one commit, by compare and set as Jobs.change."""
        ...

    def get(self, job: Job, number: int) -> Chunk | None: ...

    def undelivered(self, job: Job, start: int = 0) -> Iterator[Chunk]:
        """From the chunk numbered ``start`` on, in the order of their numbers, read page by page."""
        ...

    def first_undelivered(self, job: Job, numbers: Sequence[int]) -> Chunk | None:
        """The first of the numbered chunks that is not delivered."""
        ...

    def count_down(self, job: Job, chunk: Chunk) -> bool:
        """Mark the chunk delivered and count it, atomically and once.

        True for the chunk that emptied its shard, as often as it is asked: look at all counts then.
        """
        ...


class Lease(Protocol):
    """The right to send one chunk to one destination. Every write is refused once somebody took over.

    ``skipped``: the rows that the record says are left out. ``splits``: how it says that batches are cut.
    """

    first_batch: int
    skipped: Skipped
    splits: Splits

    def renew(self) -> None:
        """Hold on for another lease's length; Busy when it was lost."""
        ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        """Batches before ``next_batch`` are acknowledged: a later holder starts there. Busy when lost.

        ``skipped``: all rows left out so far, and ``splits``: how the batches from there on are cut, both in
        place of what the record said before.
        """
        ...

    def done(self, rows: int, crc32c: str | None) -> None:
        """The destination has the whole chunk. Busy when the lease was lost.

        ``crc32c``: the staged file's, if it was read.
        """
        ...

    def release(self) -> None:
        """Let go, so that a redelivery need not wait; harmless when the lease was lost."""
        ...


class Deliveries(Protocol):
    """The records of what was delivered where, one for each (chunk, destination)."""

    def take(self, job: Job, chunk: int, uid: str) -> Lease | None:
        """A lease, or None when the destination has the chunk; Busy while somebody else's lease lives."""
        ...

    def begun(self, job: Job) -> Mapping[int, set[str]]:
        """The chunks whose delivery was ever begun, each with the uids of the destinations that have it."""
        ...

    def ever_begun(self, job: Job, chunk: int) -> bool:
        """Whether a delivery of the chunk, to any destination, was ever begun."""
        ...

    def leased(self, job: Job, chunk: int | None = None, *, opening: int | None = None) -> bool:
        """Whether any delivery of the job, or of one of its chunks, may still be under way.

        ``opening``: only those that were begun for this opening of the job's lanes.
        """
        ...


class Topics(Protocol):
    """The service's own Kafka topics: created for a job, removed only if no other job ever named them."""

    def ensure(self, job: Job, destination: Destination) -> None:
        """Have the topic, creating it if need be; Busy while it is being removed."""
        ...

    def remove(self, job: Job, destination: Destination) -> None:
        """Remove the topic if this job created it and no other job ever named it."""
        ...


class Publisher(Protocol):
    """Pub/Sub."""

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        """Publish messages of the job; answers only when every one is confirmed as published."""
        ...


class UnloadState(StrEnum):
    """What Snowflake says of a query."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Unloads(Protocol):
    """Snowflake. Refusals it will repeat are UnloadRefused, with a message for the client."""

    def describe(self, table: str) -> list[TableColumn]:
        """The table's columns in their order."""
        ...

    def submit(self, statement: Statement, tag: str) -> str:
        """Start the statement under the tag, and answer its query id without waiting for it."""
        ...

    def find(self, tag: str) -> str | None:
        """The id of the query that carries the tag, if one was ever started."""
        ...

    def state(self, query_id: str) -> UnloadState: ...

    def files(self, query_id: str) -> list[StagedFile]:
        """The manifest of a query that succeeded."""
        ...

    def failure(self, query_id: str) -> Exception:
        """Why a query failed: UnloadRefused, or Unavailable when another attempt may succeed."""
        ...

    def abort(self, query_id: str) -> None:
        """Ask for the query to end; an ended or unknown one is left as it is."""
        ...


class OpenedFile(NamedTuple):
    """A file's bytes, seekable, and their checksum in Base64 as the bucket has it."""

    content: BinaryIO
    crc32c: str


class StagedFiles(Protocol):
    """The staging bucket."""

    def open(self, path: str, size: int) -> AbstractContextManager[OpenedFile]:
        """StagedFileUnusable if the file is gone or of another size."""
        ...

    def delete(self, prefix: str) -> None:
        """Remove every file under the prefix."""
        ...
