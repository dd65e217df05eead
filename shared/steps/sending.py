"""The protocols that a delivery needs: the chunk's rows, and the destinations' sinks.

Every method may raise ``Unavailable`` if the system behind it does not answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from shared.domain.avro import Schema
from shared.domain.chunks import Chunk
from shared.domain.columns import Column
from shared.domain.destination import Destination
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped, too_large
from shared.domain.pieces import NOT_SPLIT, Splits

MOST_BATCH_BYTES: Final = 8 * 1024 * 1024
"""A batch ends with the row with which it has so many bytes, unless its sink wants another number."""


class MessageBatch(Protocol):
    """Consecutive rows of a chunk, each a message of its own."""

    @property
    def first_row(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def size(self) -> int:
        """The size of the rows, in bytes; in Avro also of their keys. In JSON a key counts as a part of its
        row, and a key whose column is hidden does not count.
        """
        ...

    def lines(self) -> Sequence[bytes]:
        """Return one message per row: a JSON object, or an Avro record behind its schema's id."""
        ...

    def keys(self) -> Sequence[bytes | None] | None:
        """Return one key per row, or None if the table has no key column."""
        ...


class EncodedBatch(MessageBatch, Protocol):
    """Consecutive rows of a chunk, as JSON."""

    @property
    def ndjson(self) -> bytes:
        """All rows, each as one JSON object that a line break ends."""
        ...

    def part(self, start: int, rows: int) -> "EncodedBatch":
        """Return ``rows`` rows, starting with the row at index ``start`` of the batch."""
        ...

    def json_array(self) -> bytes:
        """Return all rows as one JSON array."""
        ...


class Messages(Protocol):
    """A chunk's rows, always in the same order."""

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[MessageBatch]:
        """Yield batches that end after each ``rows_per_batch`` rows from ``first_row`` on, at the latest.

        A batch also ends once it has ``most_bytes``, so that memory stays bounded however large the rows are.
        """
        ...


class Rows(Messages, Protocol):
    """A chunk's rows as JSON."""

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[EncodedBatch]:
        """Yield batches as Messages does. ``most_bytes`` counts rows and keys exactly."""
        ...

    def in_avro(self, schema: Schema, schema_id: int) -> Messages:
        """Return the rows in Avro, each in Confluent's wire format: a zero, the id in 4 bytes, the record."""
        ...


class ReadRows(Protocol):
    """Opens a chunk's file as rows. Raises StagedFileUnusable if the file differs from the job's record."""

    def __call__(
        self, file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
    ) -> Rows: ...


@dataclass(frozen=True, slots=True)
class ChunkDelivery:
    """The delivery of one chunk to one destination, with the ids that identify its rows and batches.

    ``batch_rows``: rows per numbered batch, the same at every attempt; ``first_batch``: the first batch to
    send. If its rows are large, the encoder divides such a batch into several of its own.

    ``skipped``: the rows that earlier deliveries of the chunk skipped, before ``first_batch`` or, without
    batches, in the whole chunk. ``splits``: how an earlier delivery split the batches from there on.
    ``file``: the chunk's path in the staging bucket, where it has ``file_bytes``. ``table``:
    ``catalog.schema.table``. ``columns``: those of the file's columns that are the rows' fields, in their
    order. ``file_is_rows``: all of them are.
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
    table: str = ""
    columns: Sequence[Column] = ()
    file_is_rows: bool = True
    file_bytes: int = 0

    @property
    def first_row(self) -> int:
        """The first row to send."""
        return self.first_batch * self.batch_rows

    def ends_batch(self, row: int) -> bool:
        """Return whether a numbered batch ends before this row."""
        return row == self.rows or row % self.batch_rows == 0

    def too_large(
        self, row: int, key: bytes | None, size: int, limit: SizeLimit, *, detail: str = ""
    ) -> Skipped:
        """Return the record of a skipped row. Raises RowTooLarge unless the job skips oversized rows.

        A sink adds up these records, and passes the sum to its checkpoints.
        """
        return too_large(self.chunk, row, key, size, limit, skip=self.skip_oversized, detail=detail)


def without_rows(organization_id: str, destination: Destination) -> ChunkDelivery:
    """A delivery for whoever only wants to connect as deliveries do."""
    return ChunkDelivery(organization_id, "", "", 0, 0, destination, 1, 0)


class Pulse(Protocol):
    """A sink calls this between its batches."""

    def check(self) -> None:
        """Raise DeliveryStopped if the job has ended, Busy if the lease is lost, Unavailable if it may be
        lost.
        """
        ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        """Record that the destination has acknowledged all batches before ``next_batch``, without the rows in
        ``skipped``. ``splits`` tells how the batches from there on are split.
        """
        ...

    def seconds_left(self) -> float:
        """Return the seconds until the handler's own deadline."""
        ...


class Sink(Protocol):
    """Sends chunks to destinations of one type."""

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Send the chunk. Return True if the destination has the whole chunk, except for the rows that the
        sink reported to the pulse as skipped.

        Return False if time ran out after checkpointed progress; another message then sends the rest. Raises
        DestinationRefused if no attempt can succeed, RetryLater if a later one may.
        """
        ...


class Markers(Protocol):
    """Tells which chunks a kind of destination has committed, for as long as it keeps their markers."""

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Return whether the destination has the chunk; Unavailable while a transaction is undecided."""
        ...
