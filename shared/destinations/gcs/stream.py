"""Streams of bytes that are produced during their upload."""

import io
from collections.abc import Callable, Iterator

import pyarrow.parquet as pq

from shared.steps.sending import Pulse, Rows


class Stream(io.RawIOBase):
    """Reads what ``parts`` yield, once, from beginning to end.

    An error of ``parts`` reaches the reader, which therefore never takes a part for the whole. ``check`` is
    called before each read returns. Its error prevents the last read, with which an upload becomes an object.
    ``failed``: whether one of the two raised an error.
    """

    def __init__(self, parts: Iterator[bytes], check: Callable[[], None]) -> None:
        self._parts = parts
        self._check = check
        self._waiting = b""
        self._position = 0
        self.failed = False

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        """Return ``size`` bytes, fewer only at the end; all bytes for a negative number."""
        try:
            return self._read(size)
        except BaseException:
            self.failed = True
            raise

    def _read(self, size: int) -> bytes:
        pieces, have = [self._waiting] if self._waiting else [], len(self._waiting)
        while size < 0 or have < size:
            part = next(self._parts, None)
            if part is None:
                break
            pieces.append(part)
            have += len(part)
        self._check()
        found = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        end = have if size < 0 else size
        self._waiting = found[end:]
        self._position += len(found[:end])
        return found[:end]


def parts_of(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces' bytes in parts of ``size`` bytes; the last may have fewer."""
    stream = Stream(pieces, lambda: None)
    while part := stream.read(size):
        yield part


def lines(rows: Rows, batch_rows: int, pulse: Pulse) -> Iterator[bytes]:
    """Yield the rows as lines, ``batch_rows`` rows at a time, fewer if they are large."""
    for batch in rows.batches(batch_rows):
        pulse.check()
        yield batch.ndjson


def selected(file: pq.ParquetFile, fields: list[str], pulse: Pulse) -> Iterator[bytes]:
    """Yield the Parquet file with only these columns, one row group at a time."""
    drain = _Drain()
    schema = file.schema_arrow.empty_table().select(fields).schema
    with pq.ParquetWriter(drain, schema, compression="snappy") as writer:
        for group in range(file.num_row_groups):
            pulse.check()
            writer.write_table(file.read_row_group(group, columns=fields, use_threads=False))
            yield drain.take()
    yield drain.take()


class _Drain(io.RawIOBase):
    """Holds written bytes until they are taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: "bytes | memoryview", /) -> int:  # type: ignore[override]  # what Arrow writes
        self._parts.append(bytes(data))
        self._position += len(data)
        return len(data)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
