"""What a delivery needs of the outside, as small interfaces: the chunk's rows, and where they are sent.

Every method may raise ``Unavailable`` when the part behind it does not answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from shared.domain.chunks import Chunk
from shared.domain.columns import Column
from shared.domain.destination import Destination
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped, too_large
from shared.domain.pieces import NOT_SPLIT, Splits


class EncodedBatch(Protocol):
    """Some consecutive rows of a chunk, as JSON."""

    @property
    def first_row(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def size(self) -> int:
        """Bytes of the rows as JSON."""
        ...

    def part(self, start: int, rows: int) -> "EncodedBatch":
        """``rows`` of the rows, from the one numbered ``start`` within the batch on."""
        ...

    def lines(self) -> Sequence[bytes]:
        """One JSON object a row."""
        ...

    def keys(self) -> Sequence[bytes | None] | None:
        """One key a row, or None where the table has no key column."""
        ...

    def json_array(self) -> bytes:
        """All rows as one JSON array."""
        ...


class Rows(Protocol):
    """A chunk's rows, always in the same order and the same batches."""

    def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[EncodedBatch]:
        """Batches of exactly ``rows_per_batch`` rows, but for the last; memory stays bounded."""
        ...


class ReadRows(Protocol):
    """Opens a chunk's file as rows; StagedFileUnusable if it is not what the job recorded."""

    def __call__(
        self, file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
    ) -> Rows: ...


@dataclass(frozen=True, slots=True)
class ChunkDelivery:
    """One chunk on its way to one destination; the ids that name its rows and batches for ever.

    ``batch_rows``: rows of a batch, the same on every try; ``first_batch``: the first one to send.

    ``skipped``: rows that were left out by an earlier delivery of the chunk, before ``first_batch`` or, where
    there are no batches, in all of it. ``splits``: how an earlier delivery cut the batches from there on.
    ``file``: the chunk's path in the staging bucket; of its columns ``fields`` are the rows', in their order,
    and with ``file_is_rows`` all are.
    """

    organization_id: str
    job_id: str
    attempt_id: str
    chunk: int
    rows: int
    destination: Destination
    batch_rows: int
    first_batch: int
    skip_oversized: bool = False
    skipped: Skipped = NONE_SKIPPED
    splits: Splits = NOT_SPLIT
    file: str = ""
    fields: Sequence[str] = ()
    file_is_rows: bool = True

    def too_large(
        self, row: int, key: bytes | None, size: int, limit: SizeLimit, *, detail: str = ""
    ) -> Skipped:
        """Answer the chunk's row as one that is left out; RowTooLarge unless the job leaves such rows out.

        A sink adds up what it is answered, and hands the sum over with its checkpoints.
        """
        return too_large(self.chunk, row, key, size, limit, skip=self.skip_oversized, detail=detail)


def without_rows(organization_id: str, destination: Destination) -> ChunkDelivery:
    """A delivery for whoever only wants to connect as deliveries do."""
    return ChunkDelivery(organization_id, "", "", 0, 0, destination, 1, 0)


class Pulse(Protocol):
    """What a sink asks between its batches."""

    def check(self) -> None:
        """DeliveryStopped when the job has ended, Busy when the lease is lost, Unavailable if it may be."""
        ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        """Batches before ``next_batch`` are acknowledged by the destination, without the rows ``skipped``;
        those from there on are cut as ``splits`` says.
        """
        ...

    def seconds_left(self) -> float:
        """Until the handler's own deadline."""
        ...


class Sink(Protocol):
    """Sends chunks to destinations of one type."""

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Send the chunk; True when the destination has all of it, but for rows that the pulse has been
        told are skipped.

        False when time ran out after progress that was checkpointed: the rest goes in a message of its
        own. DestinationRefused if it can never succeed, RetryLater if it may.
        """
        ...


class Markers(Protocol):
    """What a kind of destination tells of the chunks that it committed, while it keeps their markers."""

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Whether the destination, as it is now, has the chunk; Unavailable while that is being decided."""
        ...
