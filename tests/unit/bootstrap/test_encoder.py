"""A delivery's encoder, and the log entries about it."""

import io

import pyarrow as pa
import pytest

from shared.bootstrap import encoder
from shared.bootstrap.encoder import read_rows
from shared.domain.chunks import Chunk
from shared.domain.columns import Column, JsonKind
from shared.encoding import NativeRows, ParquetRows
from tests.unit.conftest import Logged
from tests.unit.encoding.readers import NEEDS_NATIVE
from tests.unit.encoding.tables import staged_file

COLUMNS = [Column("n", JsonKind.INTEGER)]
CHUNK = Chunk(0, "data_0.parquet", size=1_000, rows=10)


def test_python_encodes_where_it_is_asked_to(logged: Logged) -> None:
    rows = read_rows("python")(staged_file(pa.table({"n": range(10)})), COLUMNS, None, CHUNK)
    assert type(rows) is ParquetRows
    assert [entry["message"] for entry in logged()] == ["rows are encoded in Python, as ENCODER requests"]


@NEEDS_NATIVE
def test_the_native_encoder_is_told_of_once(logged: Logged) -> None:
    read = read_rows("native")
    for _ in range(2):
        rows = read(staged_file(pa.table({"n": range(10)})), COLUMNS, None, CHUNK)
        assert type(rows) is NativeRows
        assert sum(batch.rows for batch in rows.batches(3)) == 10
    assert [(entry["severity"], entry["encoder"]) for entry in logged()] == [("INFO", "native")]


def test_where_the_native_encoder_is_not_installed_python_stands_in(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "NATIVE_INSTALLED", False)
    rows = read_rows("native")(staged_file(pa.table({"n": range(10)})), COLUMNS, None, CHUNK)
    assert type(rows) is ParquetRows
    (entry,) = logged()
    assert (entry["severity"], entry["encoder"]) == ("WARNING", "python")
    assert "the native encoder is not installed" in entry["message"]


@NEEDS_NATIVE
def test_a_chunk_that_the_native_encoder_refuses_is_named(logged: Logged) -> None:
    content = staged_file(pa.table({"n": range(10)}), store_schema=False).getvalue()
    read = read_rows("native")
    logged()
    rows = read(io.BytesIO(content.replace(b"\x06schema", b"\x06sch\x80ma")), COLUMNS, None, CHUNK)
    assert [batch.rows for batch in rows.batches(6)] == [6, 4]
    (entry,) = logged()
    assert (
        entry["message"]
        == "data_0.parquet is encoded in Python, because the native encoder could not read it"
    )
    assert entry["refusal"] == "Parquet error: invalid utf8"
