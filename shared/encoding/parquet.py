"""A staged Parquet file as a stream of encoded batches, in memory that its size does not change."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.domain.avro import Schema
from shared.domain.columns import Column
from shared.domain.errors import StagedFileUnusable
from shared.encoding.batch import Batch, EncodedBatch
from shared.encoding.ends import Ends
from shared.encoding.ndjson import encodable, encode
from shared.encoding.physical import can_hold
from shared.steps.sending import MOST_BATCH_BYTES

if TYPE_CHECKING:
    from shared.encoding.avro import AvroRows

_BYTES_PER_READ: Final = 16 * 1024 * 1024  # of wide rows, fewer are read at once
_FIRST_READ: Final = 64  # rows; each further read has at most as many as all before it
_DAMAGED: Final = "is damaged or not a Parquet file"


class ParquetRows:
    """The rows of one staged file, in the file's order, as JSON of a job's columns but for hidden ones.

    ``file`` is seekable; one row group of it is held at a time, still compressed. The file's columns are
    matched to ``columns`` without case, and must be exactly those. ``name`` is what a client may read of
    the file in an error. ``expected_rows`` is the row count that Snowflake reported, where it is known.

    Raises StagedFileUnusable if the file can't be what was unloaded; an error of ``file`` itself, such
    as a lost connection, passes through.
    """

    # Reading and checking cost a little for each column and read; more rows than these would leave the
    # processor's cache before they are encoded.
    _most_rows_per_read = 4096

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[Column],
        key_column: str | None,
        name: str,
        *,
        expected_rows: int | None = None,
    ) -> None:
        self._columns = columns
        self._fields = [column for column in columns if not column.hidden]
        self._name = name
        with self._damage():
            self._parquet = pq.ParquetFile(
                file, page_checksum_verification=True, arrow_extensions_enabled=False
            )
            schema = self._parquet.schema_arrow
            self._places = self._matched(schema)
        self._key = None if key_column is None else self._place_of_key(key_column)
        self._group_rows: list[int] = [
            self._parquet.metadata.row_group(group).num_rows for group in range(self._parquet.num_row_groups)
        ]
        self.rows: int = sum(self._group_rows)
        if expected_rows not in (None, self.rows):
            raise self._unusable(f"has {self.rows} rows where {expected_rows} were unloaded")

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[Batch]:
        """Batches that end after each ``rows_per_batch`` rows from row ``first_row`` on, at the latest.

        A batch also ends with the row with which its rows and keys have ``most_bytes``. Row groups before
        the first row are not read; past the last row there is nothing. The same arguments give the same
        batches, every time.
        """
        return self._batches(first_row, Ends(first_row, rows_per_batch, most_bytes))

    def _batches(self, first_row: int, ends: Ends) -> Iterator[Batch]:
        return ends.batches(self._encoded_tables(first_row, ends))

    def in_avro(self, schema: Schema, schema_id: int) -> "AvroRows":
        """The same rows in the same batches, in Avro."""
        from shared.encoding.avro import AvroRows  # noqa: PLC0415 - slow to import, and most jobs are in JSON

        return AvroRows(
            schema,
            schema_id,
            tables=self._tables,
            key_texts=self._key_texts,
            columns=self._columns,
            name=self._name,
        )

    def _tables(self, rows_per_batch: int, first_row: int, most_bytes: int) -> Iterator[pa.Table]:
        ends = Ends(first_row, rows_per_batch, most_bytes)
        return ends.tables(self._record_batches(first_row), first_row)

    def _encoded_tables(self, first_row: int, ends: Ends) -> Iterator[EncodedBatch]:
        for table in ends.tables(self._record_batches(first_row), first_row):
            yield self._encoded(table, first_row)
            first_row += table.num_rows

    def _record_batches(self, first_row: int) -> Iterator[pa.RecordBatch]:
        skip = first_row
        for group, rows_in_group in enumerate(self._group_rows):
            if skip >= rows_in_group:
                skip -= rows_in_group
                continue
            # A reader of several groups would hold all of them: it fetches ahead and lets go at its end.
            lacking = rows_in_group
            most = self._rows_per_read(group)
            with self._damage():
                reads = self._parquet.iter_batches(
                    min(_FIRST_READ, most), row_groups=[group], use_threads=False
                )
                for read in reads:
                    if skip < read.num_rows:
                        rows = read.slice(skip).select(self._places)
                        yield encodable(rows, self._columns, self._name)
                    skip = max(0, skip - read.num_rows)
                    lacking -= read.num_rows
                    # In the group's size a dictionary's value counts once, in memory once for each row.
                    fitting = _BYTES_PER_READ * read.num_rows // max(1, read.get_total_buffer_size())
                    self._parquet.reader.set_batch_size(max(1, min(most, fitting, rows_in_group - lacking)))
            if lacking:
                # Pages that end too soon are no error to Arrow, but these rows would be lost.
                raise self._unusable(_DAMAGED, detail=f"row group {group} lacks {lacking} rows")

    def _rows_per_read(self, group: int) -> int:
        size: int = self._parquet.metadata.row_group(group).total_byte_size
        fitting = _BYTES_PER_READ * self._group_rows[group] // max(1, size)
        return max(1, min(self._most_rows_per_read, fitting))

    def _key_texts(self, table: pa.Table) -> pa.ChunkedArray | None:
        return None if self._key is None else table.column(self._key).cast(pa.large_string())

    def _encoded(self, table: pa.Table, first_row: int) -> EncodedBatch:
        keys = self._key_texts(table)
        if len(self._fields) < len(self._columns):
            table = table.select([place for place, one in enumerate(self._columns) if not one.hidden])
        return EncodedBatch(first_row, table.num_rows, encode(table, self._fields, self._name), keys)

    def _matched(self, schema: pa.Schema) -> list[int]:
        """Where in the file each of the job's columns lies."""
        found = [name.lower() for name in schema.names]
        wanted = [column.name.lower() for column in self._columns]
        if missing := Counter(wanted) - Counter(found):
            raise self._unusable(f"lacks column {next(iter(missing))}")
        if additional := Counter(found) - Counter(wanted):
            raise self._unusable(f"has a column {next(iter(additional))} that the table had not")
        places = [found.index(name) for name in wanted]
        for place, column in zip(places, self._columns, strict=True):
            physical = schema.field(place).type
            if not can_hold(physical, column.kind):
                raise self._unusable(f"has {physical} in column {column.name}, which is {column.kind}")
        return places

    def _place_of_key(self, key_column: str) -> int:
        for place, column in enumerate(self._columns):
            if column.name.lower() == key_column.lower():
                return place
        raise self._unusable(f"lacks the key column {key_column}")

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except MemoryError:
            # Arrow's is an ArrowException as well, and says nothing against the file.
            raise
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise self._unusable(_DAMAGED, detail=str(error)) from error
        except OSError as error:
            # Arrow's own are bare: those of a socket or a disk are a subclass or carry a number.
            if type(error) is not OSError or error.errno is not None:
                raise
            raise self._unusable(_DAMAGED, detail=str(error)) from error

    def _unusable(self, problem: str, *, detail: str = "") -> StagedFileUnusable:
        return StagedFileUnusable(f"Staged file {self._name} {problem}", detail=detail)
