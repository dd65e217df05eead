"""The same rows with the native crate, three times as fast (``docs/decisions/023-native-encoder.md``)."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, Final

from shared.domain.columns import Column, JsonKind
from shared.encoding.batch import Batch
from shared.encoding.embedded import embeddable
from shared.encoding.ends import Ends
from shared.encoding.parquet import ParquetRows
from shared.steps.ahead import OneAhead
from shared.steps.sending import MOST_BATCH_BYTES

try:
    import backfills_native
except ImportError:  # it is built only if there is a Rust compiler
    INSTALLED = False
else:
    INSTALLED = True

_TAIL: Final = 8  # a Parquet file's last bytes: the length of its metadata, and the format's name


class NativeRows(ParquetRows):
    """ParquetRows, read and encoded without the interpreter's lock.

    From the first row that the crate refuses, rows are encoded in Python: only that path words a file's
    errors. ``on_refusal`` gets the reason if the file turns out to be correct. With ``ahead``, a thread reads
    and encodes the next batch while the last one is sent.
    """

    _most_rows_per_read = 1024  # a read is cheap here: a sixth less time than with four times as many

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[Column],
        key_column: str | None,
        name: str,
        *,
        expected_rows: int | None = None,
        on_refusal: Callable[[str], None] = lambda _: None,
        ahead: bool = False,
    ) -> None:
        super().__init__(file, columns, key_column, name, expected_rows=expected_rows)
        self._file = file
        # Read it now: a reader of a bucket's object may still have the file's end in memory.
        self._footer = self._read_footer()
        self._on_refusal = on_refusal
        self._ahead = ahead

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[Batch]:
        """Return what ParquetRows returns, byte for byte."""
        batches = super().batches(rows_per_batch, first_row, most_bytes)
        return OneAhead(batches) if self._ahead else batches

    def _batches(self, first_row: int, ends: Ends) -> Iterator[Batch]:
        refusal = ""
        if self._key is None or self._columns[self._key].kind is not JsonKind.FLOAT:
            try:
                for batch in self._by_the_crate(first_row, ends):
                    yield batch
                    first_row += batch.rows
            except backfills_native.Unreadable as error:
                refusal = str(error)
            else:
                return
        for encoded in super()._batches(first_row, ends):
            if refusal:
                self._on_refusal(refusal)
                refusal = ""
            yield encoded

    def _by_the_crate(self, first_row: int, ends: Ends) -> Iterator[Batch]:
        reader = backfills_native.Reader(self._footer, self._described(), self._key, embeddable)
        size = self._file.seek(0, io.SEEK_END)
        skip = first_row
        for group, rows_in_group in enumerate(self._group_rows):
            if skip >= rows_in_group:
                skip -= rows_in_group
                continue
            start, end = reader.span(group)
            if end > size:
                raise backfills_native.Unreadable(f"row group {group} ends behind the file")
            reader.open(group, start, self._content(start, end), self._rows_per_read(group), skip)
            skip = 0
            while batch := reader.next(ends.rows_left(first_row), ends.most_bytes, first_row):
                yield batch
                first_row += batch.rows
        if batch := reader.rest(first_row):
            yield batch

    def _described(self) -> list[tuple[int, str | None, bool]]:
        return [
            (place, None if column.hidden else column.name, column.kind is JsonKind.JSON)
            for place, column in zip(self._places, self._columns, strict=True)
        ]

    def _read_footer(self) -> bytes:
        """Return the file's metadata in Parquet's own form."""
        end = self._file.seek(-_TAIL, io.SEEK_END)
        length = int.from_bytes(self._file.read(4), "little")
        self._file.seek(end - length)
        return self._file.read(length)

    def _content(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        content = self._file.read(end - start)
        while len(content) < end - start:
            more = self._file.read(end - start - len(content))
            if not more:
                raise backfills_native.Unreadable(f"the file ends at {start + len(content)}")
            content += more
        return content
