"""Tally: count a chunk's rows as a sink reads them.

A missing row raises an error before the sink sees the end of the rows, and thus before it commits them.
"""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

from shared.domain.avro import Schema
from shared.domain.chunks import Chunk
from shared.domain.errors import StagedFileUnusable
from shared.steps.sending import MOST_BATCH_BYTES, EncodedBatch, MessageBatch, Messages, Rows

Batch = TypeVar("Batch", bound=MessageBatch)


class Tally:
    """Rows that raise StagedFileUnusable at their end if their number differs from the unloaded rows."""

    def __init__(self, rows: Rows, chunk: Chunk) -> None:
        self._rows = rows
        self._chunk = chunk
        self._being_read: list[_Closable] = []

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[EncodedBatch]:
        return self._counted(self._rows.batches(rows_per_batch, first_row, most_bytes), first_row)

    def in_avro(self, schema: Schema, schema_id: int) -> Messages:
        return _AvroTally(self._rows.in_avro(schema, schema_id), self._counted)

    def close(self) -> None:
        """Stop reading. A sink that failed may have left an iterator that reads ahead."""
        while self._being_read:
            self._being_read.pop().close()

    def _counted(self, batches: Iterator[Batch], first_row: int) -> Iterator[Batch]:
        # A sink that begins again has left its earlier batches, and two threads must not read one file.
        self.close()
        if isinstance(batches, _Closable):
            self._being_read.append(batches)
        return _counted(batches, first_row, self._chunk)


class _AvroTally:
    def __init__(self, rows: Messages, counted: "_Counted") -> None:
        self._rows = rows
        self._counted = counted

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[MessageBatch]:
        return self._counted(self._rows.batches(rows_per_batch, first_row, most_bytes), first_row)


@runtime_checkable
class _Closable(Protocol):
    def close(self) -> None: ...


_Counted = Callable[[Iterator[MessageBatch], int], Iterator[MessageBatch]]


def _counted(batches: Iterator[Batch], first_row: int, chunk: Chunk) -> Iterator[Batch]:
    taken = min(first_row, chunk.rows)
    for batch in batches:
        taken += batch.rows
        yield batch
    if taken != chunk.rows:
        raise StagedFileUnusable(
            f"Chunk {chunk.number} was read as {taken:,} rows, where Snowflake unloaded {chunk.rows:,}",
            detail=chunk.name,
        )
