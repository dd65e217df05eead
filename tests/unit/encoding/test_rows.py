"""Every row's parsed payload follows the contract, whatever the file's physical form."""

import io
import json
import random
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.columns import Column, JsonKind
from shared.encoding import ParquetRows
from tests.examples import examples
from tests.unit.encoding.oracle import expected_row, parsed
from tests.unit.encoding.readers import ReadRows
from tests.unit.encoding.tables import Staged, staged_file, staged_files


def only_column(reader: ReadRows, array: pa.Array, kind: JsonKind) -> list[Any]:
    """Return the values of a one-column file as its receiver parses them."""
    rows = reader(staged_file(pa.table({"C": array})), [Column("c", kind)], None, "chunk")
    return [json.loads(line)["c"] for batch in rows.batches(100) for line in batch.lines()]


@settings(max_examples=examples(300))
@given(staged=staged_files(), data=st.data())
def test_every_row_has_the_contracts_values_types_and_order(
    reader: ReadRows, staged: Staged, data: st.DataObject
) -> None:
    first_row = data.draw(st.integers(0, len(staged.rows)))
    rows_per_batch = data.draw(st.integers(1, 14))
    rows = reader(staged.file, staged.columns, None, "chunk", expected_rows=len(staged.rows))
    batches = list(rows.batches(rows_per_batch, first_row))
    expected = [expected_row(staged.columns, row) for row in staged.rows[first_row:]]
    assert repr([parsed(line) for batch in batches for line in batch.lines()]) == repr(expected)
    assert repr([row for batch in batches for row in parsed(batch.json_array())]) == repr(expected)
    starts = list(range(first_row, len(staged.rows), rows_per_batch))
    assert [batch.first_row for batch in batches] == starts
    assert [batch.rows for batch in batches] == [
        min(rows_per_batch, len(staged.rows) - start) for start in starts
    ]


@given(staged=staged_files())
def test_the_key_is_the_columns_text_in_utf8(reader: ReadRows, staged: Staged) -> None:
    for place, column in enumerate(staged.columns):
        if column.kind is JsonKind.TEXT:
            rows = reader(staged.file, staged.columns, column.name, "chunk")
            keys = [key for batch in rows.batches(5) for key in batch.keys() or ()]
            assert keys == [None if row[place] is None else row[place].encode() for row in staged.rows]


@given(staged=staged_files(), data=st.data())
def test_a_part_of_a_batch_is_the_batch_that_these_rows_would_be(
    reader: ReadRows, staged: Staged, data: st.DataObject
) -> None:
    texts = [column.name for column in staged.columns if column.kind is JsonKind.TEXT]
    key = texts[0] if texts else None
    rows = reader(staged.file, staged.columns, key, "chunk")
    for batch in rows.batches(14):
        start = data.draw(st.integers(0, batch.rows - 1))
        count = data.draw(st.integers(1, batch.rows - start))
        part = batch.part(start, count)
        [same] = list(rows.batches(count, batch.first_row + start))[:1]
        assert (part.first_row, part.rows, part.size) == (same.first_row, same.rows, same.size)
        assert (part.lines(), part.keys()) == (same.lines(), same.keys())
        assert part.json_array() == same.json_array()


def test_a_hidden_column_is_no_field_and_may_be_the_key(reader: ReadRows) -> None:
    table = pa.table({"key:id": ["a", "b"], "Name": ["x", None]})
    columns = [Column("Name", JsonKind.TEXT, "label"), Column("key:id", JsonKind.TEXT, "id", hidden=True)]
    [batch] = reader(staged_file(table), columns, "key:id", "chunk").batches(5)
    assert batch.lines() == [b'{"Name":"x"}', b'{"Name":null}']
    assert batch.keys() == [b"a", b"b"]
    assert batch.part(1, 1).keys() == [b"b"]


def test_a_table_without_a_key_has_no_keys(reader: ReadRows) -> None:
    rows = reader(staged_file(pa.table({"A": ["x"]})), [Column("a", JsonKind.TEXT)], None, "chunk")
    assert [batch.keys() for batch in rows.batches(1)] == [None]


def test_a_number_may_be_a_key(reader: ReadRows) -> None:
    rows = reader(staged_file(pa.table({"A": [7, None]})), [Column("a", JsonKind.INTEGER)], "A", "chunk")
    assert [batch.keys() for batch in rows.batches(2)] == [[b"7", None]]


@pytest.mark.parametrize(
    "physical",
    [pa.int8(), pa.uint8(), pa.int64(), pa.uint64(), pa.decimal128(38, 0), pa.decimal256(40, 0)],
    ids=str,
)
def test_an_integer_is_the_same_whatever_type_the_unload_narrowed_it_to(
    reader: ReadRows, physical: pa.DataType
) -> None:
    values = pa.array([Decimal(0), Decimal(127), None]).cast(physical)
    assert only_column(reader, values, JsonKind.INTEGER) == [0, 127, None]


def test_integers_keep_all_of_38_digits(reader: ReadRows) -> None:
    widest = 10**38 - 1
    values = pa.array([Decimal(widest), Decimal(-widest)], pa.decimal128(38, 0))
    assert only_column(reader, values, JsonKind.INTEGER) == [widest, -widest]


def test_what_is_no_number_in_json_is_null(reader: ReadRows) -> None:
    values = pa.array([float("nan"), float("inf"), float("-inf"), 1.5])
    assert only_column(reader, values, JsonKind.FLOAT) == [None, None, None, 1.5]


def test_rows_can_be_split_at_newlines_whatever_their_text_holds(reader: ReadRows) -> None:
    texts = ['a\nb\r"}\n{"', "\u2028\u0085\x0b", "🚀"]
    rows = reader(staged_file(pa.table({"A": texts})), [Column("a", JsonKind.TEXT)], None, "chunk")
    (batch,) = rows.batches(10)
    assert [json.loads(line) for line in batch.ndjson.split(b"\n")[:-1]] == [{"a": text} for text in texts]
    assert batch.size == len(batch.ndjson) == len(batch.json_array()) - 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1,undefined,3]", [1, None, 3]),
        ('{"a":NaN,"b":-Infinity,"c":inf}', {"a": None, "b": None, "c": None}),
        (r'["undefined","\"undefined", undefined]', ["undefined", '"undefined', None]),
        ('{"a":\n 1}', {"a": 1}),
        ("null", None),
    ],
)
def test_a_variant_is_the_value_and_what_json_lacks_is_null_in_it(
    reader: ReadRows, text: str, value: Any
) -> None:
    assert only_column(reader, pa.array([text]), JsonKind.JSON) == [value]


def test_digits_inside_a_variant_are_kept(reader: ReadRows) -> None:
    text = '{"price":0.10000000000000000000000000001}'
    rows = reader(staged_file(pa.table({"V": [text]})), [Column("v", JsonKind.JSON)], None, "chunk")
    assert [batch.lines() for batch in rows.batches(1)] == [[b'{"v":' + text.encode() + b"}"]]


def test_a_batch_may_span_many_reads_of_a_large_row_group(reader: ReadRows) -> None:
    table = pa.table({"N": pa.array(range(20_000))})
    rows = reader(staged_file(table), [Column("n", JsonKind.INTEGER)], "n", "chunk")
    batches = list(rows.batches(9_000, first_row=1))
    assert [batch.rows for batch in batches] == [9_000, 9_000, 1_999]
    assert next(rows.batches(1, first_row=19_999)).lines() == [b'{"n":19999}']
    numbers = [json.loads(line)["n"] for batch in batches for line in batch.lines()]
    assert numbers == list(range(1, 20_000))


def test_batches_that_end_with_the_file_leave_no_empty_one(reader: ReadRows) -> None:
    table = pa.table({"N": pa.array(range(6))})
    rows = reader(staged_file(table, row_group_size=3), [Column("n", JsonKind.INTEGER)], None, "chunk")
    assert [(batch.first_row, batch.rows) for batch in rows.batches(2)] == [(0, 2), (2, 2), (4, 2)]


@pytest.mark.parametrize("first_row", [5, 6])
def test_from_the_end_on_there_is_nothing(reader: ReadRows, first_row: int) -> None:
    table = pa.table({"N": pa.array(range(5))})
    rows = reader(staged_file(table), [Column("n", JsonKind.INTEGER)], None, "chunk")
    assert list(rows.batches(2, first_row)) == []


class Traced(io.BytesIO):
    """A file that records where it is read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        self.reads.append(self.tell())
        return super().read(size)


def test_only_the_row_group_that_is_due_is_read(reader: ReadRows) -> None:
    content = staged_file(pa.table({"N": pa.array(range(300_000))}), row_group_size=100_000).getvalue()
    file = Traced(content)
    rows = reader(file, [Column("n", JsonKind.INTEGER)], None, "chunk")
    third = len(content) / 3
    file.reads.clear()
    assert next(rows.batches(10, first_row=100_000)).first_row == 100_000
    assert file.reads
    assert all(third * 0.9 < at < third * 2.1 for at in file.reads)


@pytest.mark.parametrize(("rows_per_batch", "first_row", "most_bytes"), [(0, 0, 1), (1, -1, 1), (1, 0, 0)])
def test_batches_of_no_rows_or_before_the_first_are_refused(
    reader: ReadRows, rows_per_batch: int, first_row: int, most_bytes: int
) -> None:
    rows = reader(staged_file(pa.table({"N": [1]})), [Column("n", JsonKind.INTEGER)], None, "chunk")
    with pytest.raises(ValueError, match="no batches of"):
        next(rows.batches(rows_per_batch, first_row, most_bytes))


def test_wide_rows_are_read_a_few_at_a_time(reader: ReadRows, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)  # noqa: S311 - reproducible
    texts = [rng.randbytes(50_000).hex() for _ in range(400)]
    file = staged_file(pa.table({"TEXT": texts}))
    asked: list[int] = []
    rows_per_read = ParquetRows._rows_per_read

    def watched(self: ParquetRows, group: int) -> int:
        asked.append(rows_per_read(self, group))
        return asked[-1]

    monkeypatch.setattr(ParquetRows, "_rows_per_read", watched)
    rows = reader(file, [Column("text", JsonKind.TEXT)], None, "wide.parquet")
    assert [json.loads(line)["text"] for batch in rows.batches(7) for line in batch.lines()] == texts
    assert 100 < asked[0] < 200  # 16 MiB of them
