"""Tally: count a chunk's rows as a sink takes them.

A row too few is noticed before the sink has seen the end of the rows, so before it commits them.
"""

from collections.abc import Iterator

from shared.domain.chunks import Chunk
from shared.domain.errors import StagedFileUnusable
from shared.steps.sending import EncodedBatch, Rows


class Tally:
    """Rows that are as many as were unloaded, or raise StagedFileUnusable at their end."""

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
