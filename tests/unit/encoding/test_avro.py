"""Rows in Avro, read back by fastavro's reader: every value as it was, whatever the file's types are."""

import datetime as dt
import io
import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import StagedFileUnusable
from shared.encoding import ParquetRows
from tests.unit.encoding.readers import READERS, ReadRows
from tests.unit.encoding.tables import staged_file

TABLE = "base.assets.transfers"
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - Avro's local timestamps have no zone
MICROSECOND = dt.timedelta(microseconds=1)


def rows_of(
    table: pa.Table, columns: Sequence[Column], read: ReadRows = ParquetRows, key: str | None = None
) -> tuple[list[dict[str, Any]], list[bytes | None] | None]:
    """The rows as a reader of the topic has them, and their keys."""
    fields = [column for column in columns if not column.hidden]
    schema = schema_of(TABLE, fields)
    found, keys = [], []
    for batch in read(staged_file(table), columns, key, "chunk").in_avro(schema, 77).batches(3):
        assert len(batch.lines()) == batch.rows
        found += [read_back(line, schema) for line in batch.lines()]
        keys += batch.keys() or []
    return found, keys or None


def read_back(message: bytes, schema: dict[str, Any]) -> dict[str, Any]:
    assert message[:5] == b"\0\0\0\0\x4d"
    body = io.BytesIO(message[5:])
    row = fastavro.schemaless_reader(body, schema, None)
    assert body.read() == b""
    assert isinstance(row, dict)
    return row


@dataclass(frozen=True)
class Case:
    """A type with its values: ``staged`` is their form in the file, ``physical`` the types of that form."""

    type: TableType
    kind: JsonKind
    values: st.SearchStrategy[Any]
    staged: Callable[[Any], Any]
    physical: Sequence[pa.DataType]


TEXTS = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))


def text(value: Any) -> str:
    return str(value)


def moment(value: dt.datetime) -> str:
    """As the unload writes it: nine digits without their trailing zeros."""
    fraction = f".{value.microsecond:06}".rstrip("0").rstrip(".")
    return f"{value.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}"


def clock(value: dt.time) -> str:
    return moment(dt.datetime.combine(dt.date(2026, 1, 1), value))[11:]


def digits(precision: int) -> st.SearchStrategy[int]:
    most = 10**precision - 1
    return st.integers(-most, most) | st.sampled_from([most, -most, 0])


def scaled(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    return digits(precision).map(lambda number: Decimal(number).scaleb(-scale, context=Context(prec=60)))


NANOSECONDS = st.just("1969-12-31T23:59:59.000000001")
DATETIMES = st.datetimes() | st.just(EPOCH - MICROSECOND)
CASES = [
    Case(TableType("FIXED", 18, 0), JsonKind.INTEGER, digits(18), int, [pa.int64(), pa.decimal128(38, 0)]),
    Case(TableType("FIXED", 2, 0), JsonKind.INTEGER, digits(2), int, [pa.int8(), pa.int32()]),
    Case(TableType("FIXED", 38, 0), JsonKind.INTEGER, digits(38), Decimal, [pa.decimal128(38, 0)]),
    Case(TableType("FIXED", 38, 0), JsonKind.INTEGER, digits(9), int, [pa.int32(), pa.int64()]),
    Case(TableType("FIXED", 38, -3), JsonKind.INTEGER, digits(38), Decimal, [pa.decimal128(38, 0)]),
    Case(TableType("FIXED", 38, 37), JsonKind.TEXT, scaled(38, 37), lambda value: f"{value:f}", TEXTS),
    Case(TableType("FIXED", 10, 2), JsonKind.TEXT, scaled(10, 2), lambda value: f"{value:f}", TEXTS),
    Case(TableType("REAL"), JsonKind.FLOAT, st.floats(), float, [pa.float64()]),
    Case(TableType("REAL"), JsonKind.FLOAT, st.floats(width=32), float, [pa.float32(), pa.float64()]),
    Case(TableType("TEXT"), JsonKind.TEXT, st.text(st.characters(exclude_categories=["Cs"])), text, TEXTS),
    Case(TableType("BOOLEAN"), JsonKind.BOOLEAN, st.booleans(), bool, [pa.bool_()]),
    Case(TableType("DATE"), JsonKind.TEXT, st.dates(), text, TEXTS),
    Case(TableType("BINARY"), JsonKind.TEXT, st.binary(), bytes.hex, TEXTS),
    Case(TableType("TIME", 0, 6), JsonKind.TEXT, st.times(), clock, TEXTS),
    Case(TableType("TIMESTAMP_NTZ", 0, 6), JsonKind.TEXT, DATETIMES, moment, TEXTS),
    Case(
        TableType("TIMESTAMP_TZ", 0, 6),
        JsonKind.TEXT,
        DATETIMES.map(lambda value: value.replace(tzinfo=dt.UTC)),
        lambda value: moment(value) + "Z",
        TEXTS,
    ),
    Case(TableType("TIME", 0, 9), JsonKind.TEXT, st.just("23:59:59.999999999"), text, TEXTS),
    Case(TableType("TIMESTAMP_NTZ", 0, 9), JsonKind.TEXT, NANOSECONDS, str, TEXTS),
    Case(TableType("VARIANT"), JsonKind.JSON, st.just('{"a": [1, null, "é"]}'), text, TEXTS),
]  # fmt: skip


@st.composite
def columns_of_values(draw: st.DrawFn) -> tuple[pa.Table, list[Column], list[list[Any]]]:
    rows = draw(st.integers(0, 7))
    arrays, columns, values = [], [], []
    for place, case in enumerate(draw(st.lists(st.sampled_from(CASES), min_size=1, max_size=8))):
        physical = draw(st.sampled_from([*case.physical, pa.null()]))
        some = st.none() if pa.types.is_null(physical) else st.none() | case.values
        found = draw(st.lists(some, min_size=rows, max_size=rows))
        staged = [None if value is None else case.staged(value) for value in found]
        arrays.append(pa.array(staged, physical))
        columns.append(Column(f"c{place}", case.kind, type=case.type))
        values.append(found)
    return pa.table(arrays, names=[column.name.upper() for column in columns]), columns, values


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and one == other and str(one) == str(other)


@pytest.mark.parametrize("read", READERS)
@given(staged=columns_of_values())
def test_every_value_is_read_back_as_it_was(
    read: ReadRows, staged: tuple[pa.Table, list[Column], list[list[Any]]]
) -> None:
    table, columns, values = staged
    found, _ = rows_of(table, columns, read)
    assert len(found) == table.num_rows
    for place, column in enumerate(columns):
        wide = column.type is not None and column.type.precision > 18 and column.type.scale <= 0
        for row, value in zip(found, values[place], strict=True):
            expected = Decimal(value) if wide and value is not None else value
            assert same(row[column.name], expected), column


def test_json_is_a_string_of_the_same_json_as_in_json_rows() -> None:
    column = Column("v", JsonKind.JSON, type=TableType("ARRAY"))
    found, _ = rows_of(pa.table({"V": ['[1,\n"\\n", undefined, NaN]', " 7 ", None]}), [column])
    assert [row["v"] for row in found] == ['[1, "\\n", null, null]', " 7 ", None]
    assert json.loads(found[0]["v"]) == [1, "\n", None, None]


@pytest.mark.parametrize("read", READERS)
def test_keys_are_those_of_json_rows_and_hidden_columns_are_no_fields(read: ReadRows) -> None:
    table = pa.table(
        {"ID": [1, None, 10**12, 4], "name": ["é", "b", None, "d"], "key:k": ["x", None, "", "y"]}
    )
    columns = [
        Column("ID", JsonKind.INTEGER, type=TableType("FIXED", 38, 0)),
        Column("name", JsonKind.TEXT, type=TableType("TEXT")),
        Column("key:k", JsonKind.TEXT, "k", hidden=True),
    ]
    for key in ("id", "name", "key:k"):
        rows = read(staged_file(table), columns, key, "chunk")
        json_keys = [key for batch in rows.batches(3) for key in batch.keys() or []]
        found, keys = rows_of(table, columns, read, key)
        assert keys == json_keys
        assert [row.keys() for row in found] == [{"ID", "name"}] * 4


def test_the_size_counts_keys_which_may_be_longer_than_their_rows() -> None:
    columns = [Column("n", JsonKind.BOOLEAN), Column("key:k", JsonKind.TEXT, "k", hidden=True)]
    table = pa.table({"n": [None, True], "key:k": ["x" * 1_000, "y" * 500]})
    rows = ParquetRows(staged_file(table), columns, "key:k", "chunk")
    (batch,) = rows.in_avro(schema_of(TABLE, columns[:1]), 1).batches(10)
    assert batch.size >= 1_500 + sum(map(len, batch.lines()))
    (without,) = (
        ParquetRows(staged_file(table), columns, None, "chunk")
        .in_avro(schema_of(TABLE, columns[:1]), 1)
        .batches(2)
    )
    assert (without.size, without.keys()) == (sum(map(len, without.lines())), None)


@pytest.mark.parametrize("first_row", range(6))
def test_batches_are_those_of_json_rows_from_any_row_on(first_row: int) -> None:
    columns = [Column("n", JsonKind.INTEGER, type=TableType("FIXED", 9, 0))]
    file = staged_file(pa.table({"N": list(range(5))}), row_group_size=2)
    rows = ParquetRows(file, columns, None, "chunk")
    schema = schema_of(TABLE, columns)
    found = [
        (batch.first_row, [read_back(line, schema)["n"] for line in batch.lines()])
        for batch in rows.in_avro(schema, 77).batches(2, first_row)
    ]
    expected = [
        (batch.first_row, [json.loads(line)["n"] for line in batch.lines()])
        for batch in rows.batches(2, first_row)
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("type_", "kind", "value"),
    [
        (TableType("DATE"), JsonKind.TEXT, "12026-03-01"),
        (TableType("DATE"), JsonKind.TEXT, "soon"),
        (TableType("TIME", 0, 6), JsonKind.TEXT, "12:00:00.1234567"),
        (TableType("TIMESTAMP_NTZ", 0, 3), JsonKind.TEXT, "2026-03-01T00:00:00.123456789"),
        (TableType("TIMESTAMP_NTZ", 0, 3), JsonKind.TEXT, "2026-03-01T00:00:00Z"),
        (TableType("TIMESTAMP_TZ", 0, 3), JsonKind.TEXT, "2026-03-01T00:00:00"),
        (TableType("FIXED", 10, 2), JsonKind.TEXT, "1.2.3"),
        (TableType("BINARY"), JsonKind.TEXT, "0xyz"),
        (TableType("VARIANT"), JsonKind.JSON, "{"),
        (TableType("VARIANT"), JsonKind.JSON, "[" * 5_000),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_that_would_be_changed_is_refused_with_its_column(
    type_: TableType, kind: JsonKind, value: str
) -> None:
    column = Column("strange", kind, type=type_)
    with pytest.raises(StagedFileUnusable, match=r"chunk: column strange has a value that .* cannot hold"):
        rows_of(pa.table({"STRANGE": [None, value]}), [column])


@pytest.mark.parametrize(
    ("type_", "kind", "value"),
    [
        (TableType("FIXED", 3, 0), JsonKind.INTEGER, Decimal(10**20)),
        (TableType("FIXED", 20, 0), JsonKind.INTEGER, Decimal(10**20)),
        (TableType("FIXED", 4, 2), JsonKind.TEXT, "123.45"),
        (TableType("FIXED", 4, 2), JsonKind.TEXT, "1.234"),
    ],
)
def test_a_number_beyond_its_columns_type_is_refused(type_: TableType, kind: JsonKind, value: Any) -> None:
    with pytest.raises(StagedFileUnusable, match="chunk: column n has a value"):
        rows_of(pa.table({"N": [value]}), [Column("n", kind, type=type_)])


def test_rows_in_json_do_not_load_what_avro_needs() -> None:
    code = (
        "import io, sys, pyarrow as pa, pyarrow.parquet as pq\n"
        "from shared.domain.columns import Column, JsonKind\n"
        "from shared.encoding import NativeRows, ParquetRows\n"
        "import shared.destinations.kafka.sink\n"
        "file = io.BytesIO(); pq.write_table(pa.table({'N': [1]}), file)\n"
        "rows = ParquetRows(file, [Column('n', JsonKind.INTEGER)], None, 'chunk')\n"
        "assert [batch.ndjson for batch in rows.batches(1)] == [b'{\"n\":1}\\n']\n"
        "print(*sorted({'pyarrow.compute', 'shared.encoding.avro', 'urllib3'} & sys.modules.keys()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - the code is above
    assert found.stdout == "\n"
