"""A staged file that differs from the unloaded one fails the job, with a message that names the fault."""

import errno
import io
from unittest.mock import Mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.domain.columns import Column, JsonKind
from shared.domain.errors import StagedFileUnusable
from tests.unit.encoding.readers import ReadRows
from tests.unit.encoding.tables import staged_file

COLUMNS = [Column("id", JsonKind.INTEGER), Column("note", JsonKind.TEXT)]
ROWS = {"ID": [1, 2, 3], "NOTE": ["a", None, "c"]}

# As Parquet's footer writes them (Thrift's compact protocol: zigzag, then seven bits a byte).
VARINT_OF_1234 = b"\xa4\x13"
VARINT_OF_1235 = b"\xa6\x13"


def read(
    reader: ReadRows, file: io.BytesIO, columns: list[Column] | None = None, key: str | None = None
) -> None:
    """Read the whole file like a delivery."""
    rows = reader(file, COLUMNS if columns is None else columns, key, "7_0_0.snappy.parquet")
    for batch in rows.batches(2):
        batch.lines()


def test_a_good_file_is_read(reader: ReadRows) -> None:
    read(reader, staged_file(pa.table(ROWS)), key="Note")


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"ID": [1]}, "lacks column note"),
        ({**ROWS, "EXTRA": [1, 2, 3]}, "has a column extra that the table had not"),
        ({**ROWS, "id": [1, 2, 3]}, "has a column id that the table had not"),
        ({**ROWS, "ID": ["1", "2", "3"]}, "has string in column id, which is integer"),
        ({**ROWS, "ID": [1.0, 2.0, 3.0]}, "has double in column id, which is integer"),
        ({**ROWS, "NOTE": [b"a", b"b", b"c"]}, "has binary in column note, which is text"),
        ({**ROWS, "NOTE": [[1], [2], [3]]}, "has list<element: int64> in column note, which is text"),
    ],
)
def test_columns_other_than_the_jobs_are_named(
    reader: ReadRows, table: dict[str, list[object]], fault: str
) -> None:
    with pytest.raises(StagedFileUnusable) as refused:
        read(reader, staged_file(pa.table(table)))
    assert refused.value.message == f"Staged file 7_0_0.snappy.parquet {fault}"


def test_a_decimal_with_a_scale_is_no_integer(reader: ReadRows) -> None:
    table = pa.table({**ROWS, "ID": pa.array([1, 2, 3]).cast(pa.decimal128(21, 2))})
    with pytest.raises(StagedFileUnusable, match=r"has decimal128\(21, 2\) in column id, which is integer"):
        read(reader, staged_file(table))


def test_a_key_column_that_the_table_lacks_is_named(reader: ReadRows) -> None:
    with pytest.raises(StagedFileUnusable, match="lacks the key column unique_id"):
        read(reader, staged_file(pa.table(ROWS)), key="unique_id")


def test_another_number_of_rows_than_snowflake_reported_is_refused(reader: ReadRows) -> None:
    with pytest.raises(StagedFileUnusable, match="has 3 rows where 4 were unloaded"):
        reader(staged_file(pa.table(ROWS)), COLUMNS, None, "chunk", expected_rows=4)


@pytest.mark.parametrize("content", [b"", b"PAR1", b'{"id":1}\n' * 100], ids=["empty", "stub", "ndjson"])
def test_a_file_that_is_not_parquet_is_refused(reader: ReadRows, content: bytes) -> None:
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(content))


def test_a_file_cut_short_is_refused(reader: ReadRows) -> None:
    content = staged_file(pa.table(ROWS)).getvalue()
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(content[: len(content) // 2]))


@pytest.mark.parametrize("checksummed", [True, False])
def test_a_damaged_page_is_refused(reader: ReadRows, *, checksummed: bool) -> None:
    table = pa.table({"ID": range(50_000), "NOTE": [str(n) for n in range(50_000)]})
    content = bytearray(staged_file(table, write_page_checksum=checksummed, use_dictionary=False).getvalue())
    content[2_000:3_000] = b"\xff" * 1_000
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(content))


def test_pages_that_hold_fewer_rows_than_the_file_promises_are_refused(reader: ReadRows) -> None:
    table = pa.table({"ID": [7] * 1_234, "NOTE": ["a"] * 1_234})
    content = staged_file(table, store_schema=False).getvalue()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    promised = content[:footer] + content[footer:].replace(VARINT_OF_1234, VARINT_OF_1235)
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(promised))


def test_a_dictionary_that_promises_billions_of_values_is_refused(reader: ReadRows) -> None:
    """Room for all of them would be 34 GB."""
    table = pa.table({"ID": [1, 2], "NOTE": ["a" * 60, "b" * 60]})
    content = staged_file(table, compression="none", store_schema=False).getvalue()
    # The page's type, its size before and after compression, and the dictionary's number of values: 128 bytes
    # and 2 values become 124 bytes and 2**31 - 1 values, so that all other pages stay where they are.
    header, spoilt = (
        bytes.fromhex(text)
        for text in ("1504 158002 158002 4c 1504 1500", "1504 15f801 15f801 4c 15feffffff0f 1500")
    )
    assert content.count(header) == 1
    content = content.replace(header, spoilt).replace(b"b" * 60, b"b" * 56, 1)
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(content))


def test_a_column_name_that_is_not_utf8_is_refused(reader: ReadRows) -> None:
    content = staged_file(pa.table(ROWS), store_schema=False).getvalue()
    with pytest.raises(StagedFileUnusable, match="is damaged or not a Parquet file"):
        read(reader, io.BytesIO(content.replace(b"NOTE", b"NOT\xc5")))


def test_text_that_is_not_utf8_is_refused_naming_the_column(reader: ReadRows) -> None:
    broken = pa.array([b"\xff\xfe"]).view(pa.string())
    with pytest.raises(StagedFileUnusable, match="column note holds text that is not UTF-8"):
        read(reader, staged_file(pa.table({"ID": [1], "NOTE": broken})))


# More levels than the stack of a thread has room for.
TOO_DEEP = "[" * 1_000_000 + "]" * 1_000_000


@pytest.mark.parametrize("text", ["", "{", "1,2", "1]", '"a\nb"', "nope", pytest.param(TOO_DEEP, id="deep")])
def test_a_variant_that_is_not_json_is_refused_naming_the_column(reader: ReadRows, text: str) -> None:
    columns = [Column("id", JsonKind.INTEGER), Column("note", JsonKind.JSON)]
    with pytest.raises(StagedFileUnusable, match="column note holds text that is not JSON"):
        read(reader, staged_file(pa.table({"ID": [1], "NOTE": [text]})), columns)


class Lost(io.BytesIO):
    """A file whose connection breaks during a read."""

    def __init__(self, content: bytes, error: OSError) -> None:
        super().__init__(content)
        self.error: OSError | None = None
        self.coming = error

    def read(self, size: int | None = -1) -> bytes:
        if self.error:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), OSError(errno.EIO, "disk")])
def test_a_connection_lost_while_reading_is_not_the_files_fault(reader: ReadRows, error: OSError) -> None:
    file = Lost(staged_file(pa.table(ROWS)).getvalue(), error)
    batches = reader(file, COLUMNS, None, "chunk").batches(2)
    file.error = file.coming
    with pytest.raises(OSError, match=r"gone|disk"):
        next(batches)


def test_a_want_of_memory_is_no_fault_of_the_file(reader: ReadRows, monkeypatch: pytest.MonkeyPatch) -> None:
    file = staged_file(pa.table(ROWS))
    monkeypatch.setattr(pq, "ParquetFile", Mock(side_effect=pa.ArrowMemoryError("malloc of 99 bytes failed")))
    with pytest.raises(MemoryError):
        read(reader, file)
