"""Consecutive rows of a chunk as JSON text."""

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from shared.steps import sending


class Batch(sending.EncodedBatch, Protocol):
    """The result of both encoders: the port, and the rows' text."""

    @property
    def ndjson(self) -> bytes:
        """Return one JSON object per row in UTF-8, each followed by a newline."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBatch:
    """``rows`` consecutive rows of a chunk; the first one is the chunk's row ``first_row`` (from 0).

    ``ndjson`` has one JSON object per row in UTF-8, each followed by a newline. It contains no other newline,
    because JSON escapes those inside strings. ``key_texts`` is the key column as Arrow strings of any width.
    """

    first_row: int
    rows: int
    ndjson: bytes
    key_texts: pa.ChunkedArray | None

    @property
    def size(self) -> int:
        """Return the size of the rows as NDJSON in bytes; the JSON array is one byte longer."""
        return len(self.ndjson)

    def part(self, start: int, rows: int) -> "EncodedBatch":
        """Return ``rows`` of the rows, starting at row ``start`` of the batch."""
        lines = [*self.lines()[start : start + rows], b""]
        keys = None if self.key_texts is None else self.key_texts.slice(start, rows)
        return EncodedBatch(self.first_row + start, rows, b"\n".join(lines), keys)

    def lines(self) -> list[bytes]:
        """Return one JSON object per row, without newline."""
        lines = self.ndjson.split(b"\n")
        del lines[-1]  # the empty text after the last newline
        return lines

    def keys(self) -> list[bytes | None] | None:
        """Return the key column's text in UTF-8, None for a null; None instead of a list without a key
        column.
        """
        if self.key_texts is None:
            return None
        texts: list[bytes | None] = self.key_texts.cast(pa.large_binary()).to_pylist()
        return texts

    def json_array(self) -> bytes:
        """Return the rows as one JSON array."""
        rows = memoryview(self.ndjson.replace(b"\n", b","))[:-1]
        return b"".join((b"[", rows, b"]"))
