"""Where a chunk's batches end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from shared.encoding.batch import EncodedBatch

_MOST_PIECE: Final = 8 * 1024 * 1024  # bytes of rows in Arrow that are encoded at once


@dataclass(frozen=True, slots=True)
class Ends:
    """Batches end after each ``rows_per_batch`` rows from row ``origin`` on.

    A batch also ends with the row with which its rows and keys have ``most_bytes``.
    """

    origin: int
    rows_per_batch: int
    most_bytes: int

    def __post_init__(self) -> None:
        if self.rows_per_batch < 1 or self.most_bytes < 1 or self.origin < 0:
            raise ValueError(f"no batches of {self.rows_per_batch} rows from row {self.origin}")

    def rows_left(self, row: int) -> int:
        """Return the number of rows from ``row`` to the next end that counts rows."""
        return self.rows_per_batch - (row - self.origin) % self.rows_per_batch

    def tables(self, reads: Iterator[pa.RecordBatch], first_row: int) -> Iterator[pa.Table]:
        """Yield the rows as tables that end where batches must, at the latest.

        A table of more than one row has about ``most_bytes`` at most, and is small enough to be encoded.
        """
        most = min(self.most_bytes, _MOST_PIECE)
        waiting: list[pa.RecordBatch] = []
        size, left = 0, self.rows_left(first_row)
        for read in reads:
            for part, weight in self._parts(read, left, most):
                if waiting and size + weight > most:
                    yield pa.Table.from_batches(waiting)
                    waiting, size = [], 0
                waiting.append(part)
                size += weight
                left -= part.num_rows
                if not left:
                    yield pa.Table.from_batches(waiting)
                    waiting, size, left = [], 0, self.rows_per_batch
        if waiting:
            yield pa.Table.from_batches(waiting)

    def _parts(self, read: pa.RecordBatch, left: int, most: int) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Yield the rows with their weights, cut after ``left`` rows and then wherever a batch must end."""
        whole, start = _weight(read, read.get_total_buffer_size()), 0
        while start < read.num_rows:
            part = read.slice(start, left)
            start += part.num_rows
            left = self.rows_per_batch
            # The bytes of a part take a tenth of a millisecond to count.
            weight = whole * part.num_rows // read.num_rows if whole <= most else _weight(part, part.nbytes)
            yield from _halves(part, weight, most)

    def batches(self, pieces: Iterator[EncodedBatch]) -> Iterator[EncodedBatch]:
        """Yield the rows of ``pieces``, encoded tables, as batches that end exactly where they must."""
        held: list[EncodedBatch] = []
        size = 0
        for piece in pieces:
            if not held and self._is_batch(piece):
                yield piece
                continue
            rest = piece
            while rest.rows:
                fitting, weight = _fitting(rest, self.most_bytes - size)
                held.append(rest.part(0, fitting))
                size += weight
                rest = rest.part(fitting, rest.rows - fitting)
                if size >= self.most_bytes or self._counts_up_to(rest.first_row):
                    yield _joined(held)
                    held, size = [], 0
        if held:
            yield _joined(held)

    def _is_batch(self, piece: EncodedBatch) -> bool:
        """Return whether the rows surely are a batch, without the slow count of each key's bytes."""
        keys = 0 if piece.key_texts is None else piece.key_texts.nbytes
        ends = self._counts_up_to(piece.first_row + piece.rows)
        return ends and piece.size + keys < self.most_bytes

    def _counts_up_to(self, row: int) -> bool:
        return self.rows_left(row) == self.rows_per_batch


def _halves(part: pa.RecordBatch, weight: int, most: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Yield the rows in parts of at most ``most`` bytes, or of one row, with their weights."""
    # Not by the average: a few rows may be larger than all others.
    half = part.num_rows // 2
    if not half or weight <= most:
        yield part, weight
        return
    for rows in (part.slice(0, half), part.slice(half)):
        yield from _halves(rows, _weight(rows, rows.nbytes), most)


def _weight(rows: pa.RecordBatch, size: int) -> int:
    """Return about as many bytes as rows of ``size`` bytes have in JSON, with the fields' names in each."""
    names = sum(map(len, rows.schema.names))
    return size + len(rows) * names


def _fitting(piece: EncodedBatch, room: int) -> tuple[int, int]:
    """Return how many of the rows have ``room`` bytes, or all of them if they have fewer; and their bytes."""
    fitting = size = 0
    for line, key in zip(piece.lines(), piece.keys() or [None] * piece.rows, strict=True):
        fitting += 1
        size += len(line) + 1 + len(key or b"")
        if size >= room:
            break
    return fitting, size


def _joined(pieces: list[EncodedBatch]) -> EncodedBatch:
    first = pieces[0]
    if len(pieces) == 1:
        return first
    keys = None
    if first.key_texts is not None:
        texts = [piece.key_texts for piece in pieces if piece.key_texts is not None]
        keys = pa.chunked_array([chunk for text in texts for chunk in text.chunks], pa.large_string())
    rows = sum(piece.rows for piece in pieces)
    return EncodedBatch(first.first_row, rows, b"".join(piece.ndjson for piece in pieces), keys)
