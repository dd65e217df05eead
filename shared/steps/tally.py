"""Tally: count a chunk's rows as a sink reads them.

A missing row raises an error before the sink sees the end of the rows, and thus before it commits them.
"""

from collections.abc import Iterator

from shared.domain.chunks import Chunk
from shared.domain.errors import StagedFileUnusable
from shared.steps.sending import EncodedBatch, Rows


class Tally:
    """Rows that raise StagedFileUnusable at their end if their number differs from the unloaded rows."""

    def __init__(self, rows: Rows, chunk: Chunk) -> None:
        self._rows = rows
        self._chunk = chunk

    def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[EncodedBatch]:
        taken = min(first_row, self._chunk.rows)
        for batch in self._rows.batches(rows_per_batch, first_row):
            taken += batch.rows
            yield batch
        if taken != self._chunk.rows:
            raise StagedFileUnusable(
                f"Chunk {self._chunk.number} was read as {taken:,} rows, where Snowflake unloaded"
                f" {self._chunk.rows:,}",
                detail=self._chunk.name,
            )
