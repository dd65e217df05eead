"""Batches of large rows end before they take much memory, with the same rows in both encoders."""

import importlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind
from shared.encoding import ParquetRows
from shared.encoding.ndjson import encodable
from shared.steps.sending import EncodedBatch
from tests.examples import examples
from tests.unit.encoding.readers import NEEDS_NATIVE, ReadRows, native_rows
from tests.unit.encoding.tables import Staged, staged_file, staged_files

Shape = tuple[int, int]
"""A batch's first row and its number of rows."""


def sizes_of(batch: EncodedBatch) -> list[int]:
    """Return the bytes of each row and its key."""
    keys = batch.keys() or [None] * batch.rows
    return [len(line) + 1 + len(key or b"") for line, key in zip(batch.lines(), keys, strict=True)]


def expected(sizes: Sequence[int], first_row: int, rows_per_batch: int, most_bytes: int) -> list[Shape]:
    found: list[Shape] = []
    start, size = first_row, 0
    for row, bytes_ in enumerate(sizes, first_row):
        size += bytes_
        end = row + 1
        last = end == first_row + len(sizes)
        if last or size >= most_bytes or (end - first_row) % rows_per_batch == 0:
            found.append((start, end - start))
            start, size = end, 0
    return found


def shapes(batches: Sequence[Any]) -> list[Shape]:
    return [(batch.first_row, batch.rows) for batch in batches]


@settings(max_examples=examples())
@given(staged=staged_files(), data=st.data())
def test_a_batch_ends_with_the_row_that_reaches_its_bytes(
    reader: ReadRows, staged: Staged, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from([None, *(column.name for column in staged.columns)]))
    first_row = data.draw(st.integers(0, len(staged.rows)))
    rows_per_batch, most_bytes = data.draw(st.integers(1, 14)), data.draw(st.integers(1, 400))
    rows = reader(staged.file, staged.columns, key, "chunk")
    whole = list(rows.batches(20, first_row))
    sizes = [size for batch in whole for size in sizes_of(batch)]
    batches = list(rows.batches(rows_per_batch, first_row, most_bytes))
    assert shapes(batches) == expected(sizes, first_row, rows_per_batch, most_bytes)
    assert b"".join(batch.ndjson for batch in batches) == b"".join(batch.ndjson for batch in whole)
    keys = [key for batch in batches for key in batch.keys() or ()]
    assert keys == [key for batch in whole for key in batch.keys() or ()]


@pytest.mark.parametrize("large", [b"x" * 300_000, b"\x01" * 300_000], ids=["as it is", "escaped"])
def test_a_few_large_rows_among_small_ones_are_spread_over_batches(reader: ReadRows, large: bytes) -> None:
    texts = ["small"] * 6_000
    texts[5_000:5_100] = [large.decode()] * 100
    rows = reader(staged_file(pa.table({"T": texts})), [Column("t", JsonKind.TEXT)], None, "chunk")
    batches = list(rows.batches(1_024))
    assert [json.loads(line)["t"] for batch in batches for line in batch.lines()] == texts
    assert max(batch.size for batch in batches) < 8 * 1024 * 1024 + 2_000_000
    ends = {batch.first_row + batch.rows for batch in batches}
    assert {*range(1_024, 6_000, 1_024), 6_000} <= ends


def test_a_key_that_is_no_field_counts(reader: ReadRows) -> None:
    table = pa.table({"key:id": ["k" * 100] * 10, "N": range(10)})
    columns = [Column("N", JsonKind.INTEGER), Column("key:id", JsonKind.TEXT, "id", hidden=True)]
    rows = reader(staged_file(table), columns, "key:id", "chunk")
    assert shapes(list(rows.batches(10, 0, 300))) == [(0, 3), (3, 3), (6, 3), (9, 1)]


def test_names_of_fields_count_in_rows_of_nulls(reader: ReadRows) -> None:
    names = [f"{nth:0200}" for nth in range(100)]
    table = pa.table({name: pa.nulls(1_000, pa.string()) for name in names})
    rows = reader(staged_file(table), [Column(name, JsonKind.TEXT) for name in names], None, "chunk")
    batches = list(rows.batches(1_000))
    assert sum(batch.rows for batch in batches) == 1_000
    assert max(batch.size for batch in batches) < 9 * 1024 * 1024


def test_messages_in_avro_are_bounded_too(reader: ReadRows) -> None:
    texts = [str(nth) * 50_000 for nth in range(10)] * 30
    columns = [Column("t", JsonKind.TEXT)]
    rows = reader(staged_file(pa.table({"T": texts})), columns, "t", "chunk")
    avro = rows.in_avro(schema_of("base.assets.transfers", columns), 1)
    batches = list(avro.batches(200, 0, 1_000_000))
    keys = [key.decode() for batch in batches for key in batch.keys() or () if key is not None]
    assert keys == texts
    assert all(len(line) > 50_000 for batch in batches for line in batch.lines())
    assert max(sum(map(len, batch.lines())) for batch in batches) <= 1_100_000
    ends = {batch.first_row + batch.rows for batch in batches}
    assert {200, 300} <= ends
    assert len(batches) < 40


@NEEDS_NATIVE
def test_python_continues_within_a_batch_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the numbers of a webhook's batches would stand for other rows."""
    crate: Any = importlib.import_module("backfills_native")
    whole = crate.Reader

    class Refusing:
        def __init__(self, *arguments: Any) -> None:
            self._reader, self._calls = whole(*arguments), 0
            self.span, self.open, self.rest = self._reader.span, self._reader.open, self._reader.rest

        def next(self, *arguments: Any) -> Any:
            self._calls += 1
            if self._calls == 3:
                raise crate.Unreadable("the crate's own limit")
            return self._reader.next(*arguments)

    file = staged_file(pa.table({"T": ["x" * 93] * 40}))  # a hundred bytes a row
    columns = [Column("t", JsonKind.TEXT)]
    python = list(ParquetRows(file, columns, None, "chunk").batches(10, 10, 350))
    monkeypatch.setattr(crate, "Reader", Refusing)
    told: list[str] = []
    found = list(native_rows(file, columns, None, "chunk", on_refusal=told.append).batches(10, 10, 350))
    assert told == ["the crate's own limit"]
    assert shapes(found) == shapes(python)
    assert shapes(found)[:4] == [(10, 4), (14, 4), (18, 2), (20, 4)]
    assert [batch.ndjson for batch in found] == [batch.ndjson for batch in python]


def test_a_value_that_many_rows_share_is_read_for_a_few_rows_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file has it once, in its dictionary, and thus hardly any size."""
    read: list[int] = []

    def watched(rows: pa.RecordBatch, *arguments: Any) -> pa.RecordBatch:
        read.append(rows.nbytes)
        return encodable(rows, *arguments)

    monkeypatch.setattr("shared.encoding.parquet.encodable", watched)
    file = staged_file(pa.table({"T": ["x" * 100_000] * 1_500}))
    assert file.getbuffer().nbytes < 1_000_000
    rows = ParquetRows(file, [Column("t", JsonKind.TEXT)], None, "chunk")
    assert sum(batch.rows for batch in rows.batches(1_024)) == 1_500
    assert max(read) < 17 * 1024 * 1024
