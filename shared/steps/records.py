"""The protocols of the records that the steps keep. The adapters implement them.

Every method may raise ``Unavailable`` if the system behind it does not answer.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.chunks import Chunk
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.domain.receipt import ChunkReceipt, LeftOut


@dataclass(frozen=True, slots=True)
class DestinationProgress:
    """The progress of one destination of a job."""

    chunks_done: int
    rows_done: int
    last_error: str | None


def counted(job: Job, counts: Counts | None) -> dict[str, DestinationProgress]:
    """Return what the counts tell of each destination's progress, by its uid, without its last error.

    A counted chunk is at all destinations.
    """
    least = DestinationProgress(0, 0, None)
    if counts is not None and job.num_chunks is not None and job.num_rows is not None:
        chunks, rows = job.num_chunks - counts.chunks_left, job.num_rows - counts.rows_left
        least = DestinationProgress(chunks, rows, None)
    return {one.uid: least for one in job.destinations}


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
        self, job: Job, uid: str, message: str, now: datetime, wait_until: datetime | None = None
    ) -> None:
        """Show the client the error of a destination, until the job is retried.

        ``wait_until``: the time until which the destination asks the service to wait. A later error keeps it.
        """
        ...

    def last_failure(self, job: Job) -> datetime | None:
        """Return the time of the destinations' last error since the job's last retry. A requested wait is
        none.
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
        """Return each destination's progress by its uid, as the records of its deliveries have it."""
        ...

    def progress(self, job: Job, counts: Counts | None) -> Mapping[str, DestinationProgress]:
        """Return the same within seconds. A destination has at least what is no longer left by ``counts``."""
        ...

    def last_errors(self, job: Job) -> Mapping[str, str]:
        """Return the last error of each destination that has one, by its uid."""
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


class Chunks(Protocol):
    """The records of a job's chunks under its current attempt."""

    def record(self, job: Job, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        """Create the missing records. Existing records stay unchanged, whether delivered or not.

        Return all these chunks as they are recorded.
        """
        ...

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        """Set the job's new state and its counts in one commit, by compare and set like Jobs.change.

        Count the ``chunks`` that are not delivered. After a restore of the job store, some may be.
        """
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

        Return True for the chunk that was counted down last, at every call. The caller then finishes the job.
        """
        ...


class Lease(Protocol):
    """The right to send one chunk to one destination. After another handler took over, every write fails.

    ``began``: when the first delivery of the chunk to the destination began. ``skipped``: the skipped rows
    according to the record. ``splits``: the splits of batches according to it.
    """

    began: datetime
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

    def oldest(self, job: Job, uids: Collection[str]) -> datetime | None:
        """Return when the first of the unfinished deliveries to these destinations began."""
        ...

    def ever_begun(self, job: Job, chunk: int) -> bool:
        """Return whether a delivery of the chunk to any destination ever began."""
        ...

    def leased(self, job: Job, chunk: int | None = None, *, opening: int | None = None) -> bool:
        """Return whether a delivery of the job, or of the given chunk, may still be in progress.

        ``opening``: consider only deliveries of this opening of the job's lanes.
        """
        ...
