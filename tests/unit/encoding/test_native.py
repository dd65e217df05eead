"""The native encoder writes the same bytes as the Python one, and fails in the same way."""

import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.columns import Column, JsonKind
from shared.domain.errors import StagedFileUnusable
from shared.encoding import NativeRows, ParquetRows
from tests.examples import examples
from tests.unit.encoding.readers import NEEDS_NATIVE, ReadRows, native_rows
from tests.unit.encoding.tables import Staged, staged_file, staged_files

pytestmark = NEEDS_NATIVE

Outcome = tuple[list[tuple[Any, ...]], str]


def outcome(reader: ReadRows, file: io.BytesIO, columns: list[Column], key: str | None) -> Outcome:
    """Return everything that a delivery sees: each batch, and the error that ended them."""
    seen: list[tuple[Any, ...]] = []
    try:
        seen.extend(
            (batch.first_row, batch.rows, batch.ndjson, batch.keys(), batch.json_array())
            for batch in reader(file, columns, key, "chunk").batches(4)
        )
    except StagedFileUnusable as error:
        return seen, error.message
    return seen, ""


@settings(max_examples=examples(400))
@given(staged=staged_files(), data=st.data())
def test_every_byte_of_rows_and_keys_is_the_same(staged: Staged, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([None, *(column.name for column in staged.columns)]))
    python = outcome(ParquetRows, staged.file, staged.columns, key)
    assert outcome(native_rows, staged.file, staged.columns, key) == python


@given(values=st.lists(st.floats() | st.floats(width=32) | st.integers(-(2**63), 2**63).map(float)))
def test_every_float_has_the_same_digits(values: list[float]) -> None:
    columns = [Column("n", JsonKind.FLOAT)]
    file = staged_file(pa.table({"n": pa.array(values, pa.float64())}))
    python = outcome(ParquetRows, file, columns, None)
    assert outcome(native_rows, file, columns, None) == python


_FRAGMENTS = st.sampled_from(
    [
        *'{}[]:,"\\ \n\t0-1.eE+',
        *("undefined", "NaN", "-Infinity", "true", "fals", "null", '"a"', r'"\u00e9"', r'"\ud83d\ude80"'),
        *(
            r'"\ud800"',
            r'"\x"',
            '"\x01"',
            "01",
            "1.",
            "-",
            "[[",
            "]]",
            '{"a":',
            "\x0c",
            "é",
            "\u2028",
            "[" * 200,
        ),
    ]
)


@settings(max_examples=examples(1000))
@given(texts=st.lists(st.lists(_FRAGMENTS, max_size=8).map("".join), min_size=1, max_size=3))
def test_text_that_may_be_json_is_taken_or_refused_alike(texts: list[str]) -> None:
    columns = [Column("v", JsonKind.JSON)]
    file = staged_file(pa.table({"v": texts}))
    assert outcome(NativeRows, file, columns, None) == outcome(ParquetRows, file, columns, None)


@pytest.mark.parametrize("depth", [127, 128, 129, 500])
@pytest.mark.parametrize("ends", [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_the_same(depth: int, ends: tuple[str, str]) -> None:
    columns = [Column("v", JsonKind.JSON)]
    file = staged_file(pa.table({"v": [ends[0] * depth + "1" + ends[1] * depth]}))
    assert outcome(native_rows, file, columns, None) == outcome(ParquetRows, file, columns, None)


_COLUMNS = [Column("n", JsonKind.INTEGER), Column("t", JsonKind.TEXT), Column("v", JsonKind.JSON)]
_TABLE = pa.table(
    {
        "n": pa.array([None if nth % 5 == 0 else nth * 10**30 for nth in range(40)], pa.decimal128(38, 0)),
        "t": [f"a text, {nth % 3}" for nth in range(40)],
        "v": [json.dumps({"nth": nth}) for nth in range(40)],
    }
)


def _content(compression: str, version: str, *, dictionary: bool) -> bytes:
    return staged_file(
        _TABLE,
        row_group_size=16,
        compression=compression,
        data_page_version=version,
        use_dictionary=dictionary,
        write_page_checksum=True,
    ).getvalue()


_CONTENTS = st.builds(
    _content, st.sampled_from(["snappy", "none"]), st.sampled_from(["1.0", "2.0"]), dictionary=st.booleans()
)


@given(content=_CONTENTS, data=st.data())
def test_a_file_cut_short_gives_the_same_error(content: bytes, data: st.DataObject) -> None:
    rest = content[: data.draw(st.integers(0, len(content) - 1))]
    python = outcome(ParquetRows, io.BytesIO(rest), _COLUMNS, "t")
    assert python[1]
    assert outcome(NativeRows, io.BytesIO(rest), _COLUMNS, "t") == python


@settings(
    max_examples=examples(300), derandomize=True
)  # a few damaged page headers are read by the crate alone
@given(content=_CONTENTS, data=st.data())
def test_a_damaged_file_gives_the_same_rows_and_the_same_error(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    at = data.draw(st.integers(0, len(content) - 32))
    damaged[at : at + 32] = data.draw(st.binary(min_size=32, max_size=32))
    python = outcome(ParquetRows, io.BytesIO(damaged), _COLUMNS, "t")
    assert outcome(NativeRows, io.BytesIO(damaged), _COLUMNS, "t") == python


def test_what_the_crate_refuses_is_read_in_python_and_told() -> None:
    """The schema's own name, which Arrow never reads, is not UTF-8."""
    told: list[str] = []
    content = staged_file(pa.table({"n": range(10)}), store_schema=False).getvalue()
    file = io.BytesIO(content.replace(b"\x06schema", b"\x06sch\x80ma"))
    rows = NativeRows(file, [Column("n", JsonKind.INTEGER)], None, "chunk", on_refusal=told.append)
    lines = [line for batch in rows.batches(4, 1) for line in batch.lines()]
    assert lines == [b'{"n":%d}' % number for number in range(1, 10)]
    assert told == ["Parquet error: invalid utf8"]


def test_a_fault_of_the_file_is_no_refusal() -> None:
    broken = pa.table({"t": pa.array([b"\xff\xfe"]).view(pa.string())})
    rows = native_rows(staged_file(broken), [Column("t", JsonKind.TEXT)], None, "chunk")
    with pytest.raises(StagedFileUnusable, match="column t holds text that is not UTF-8"):
        next(rows.batches(1))


def test_a_part_outside_of_its_batch_is_refused() -> None:
    rows = native_rows(staged_file(pa.table({"n": [1, 2]})), [Column("n", JsonKind.INTEGER)], None, "chunk")
    (batch,) = rows.batches(2)
    with pytest.raises(IndexError):
        batch.part(1, 2)


def test_a_reader_answers_short_reads_in_the_end() -> None:
    class Short(io.BytesIO):
        """A file that returns at most ten bytes at once, like a raw socket."""

        def read(self, size: int | None = -1) -> bytes:
            return super().read(size if self.whole or not size else min(size, 10))

        whole = True

    file = Short(staged_file(pa.table({"n": range(100)})).getvalue())
    rows = native_rows(file, [Column("n", JsonKind.INTEGER)], None, "chunk")
    file.whole = False
    assert [batch.rows for batch in rows.batches(60)] == [60, 40]
