"""A run of a chunk's rows as JSON text."""

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from shared.steps import sending


class Batch(sending.EncodedBatch, Protocol):
    """What both encoders answer: the port, and the rows' text as it is."""

    @property
    def ndjson(self) -> bytes:
        """One JSON object a row in UTF-8, each ended by a newline."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBatch:
    """``rows`` consecutive rows of a chunk, of which the first is the chunk's row ``first_row`` (from 0).

    ``ndjson`` holds one JSON object a row in UTF-8, each ended by a newline. No other newline is in it:
    JSON escapes those inside strings. ``key_texts`` is the key column as Arrow strings of any width.
    """

    first_row: int
    rows: int
    ndjson: bytes
    key_texts: pa.ChunkedArray | None

    @property
    def size(self) -> int:
        """Bytes of the rows as NDJSON; the JSON array is one byte longer."""
        return len(self.ndjson)

    def part(self, start: int, rows: int) -> "EncodedBatch":
        """``rows`` of the rows, from the one numbered ``start`` within the batch on."""
        lines = [*self.lines()[start : start + rows], b""]
        keys = None if self.key_texts is None else self.key_texts.slice(start, rows)
        return EncodedBatch(self.first_row + start, rows, b"\n".join(lines), keys)

    def lines(self) -> list[bytes]:
        """One JSON object a row, without newline."""
        lines = self.ndjson.split(b"\n")
        del lines[-1]  # what follows the last newline: nothing
        return lines

    def keys(self) -> list[bytes | None] | None:
        """The key column's text in UTF-8, None for a null; no list at all without a key column."""
        if self.key_texts is None:
            return None
        texts: list[bytes | None] = self.key_texts.cast(pa.large_binary()).to_pylist()
        return texts

    def json_array(self) -> bytes:
        """The rows as one JSON array."""
        rows = memoryview(self.ndjson.replace(b"\n", b","))[:-1]
        return b"".join((b"[", rows, b"]"))
