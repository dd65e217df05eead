"""Encoders of a staged file, each as far as keys and lines."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from bench import chunk
from bench.work import measured
from shared.domain.avro import schema_of
from shared.domain.columns import JsonKind, TableType
from shared.encoding import ParquetRows

_BATCH_ROWS = 8_192
_TYPES = {
    JsonKind.TEXT: TableType("TEXT"),
    JsonKind.INTEGER: TableType("FIXED", 38, 0),
    JsonKind.FLOAT: TableType("REAL"),
    JsonKind.BOOLEAN: TableType("BOOLEAN"),
}


def msgspec_struct(path: str) -> dict[str, float]:
    """Encode a msgspec Struct for each row, from the columns as Python lists."""
    names = [column.name for column in chunk.COLUMNS]
    row_type = msgspec.defstruct("Row", [(name, object) for name in names], gc=False)
    encode = msgspec.json.Encoder().encode
    with measured(chunk.ROWS) as found:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, use_threads=False):
            columns = [values.to_pylist() for values in batch.columns]
            lines = [encode(row_type(*row)) for row in zip(*columns, strict=True)]
            keys = [key.encode() for key in columns[names.index(chunk.KEY)]]
            assert len(lines) == len(keys)
    return found


def avro(path: str) -> dict[str, float]:
    """Encode the rows in Avro as the product does, from columns as Snowflake describes them."""
    columns = [replace(column, type=_TYPES[column.kind]) for column in chunk.COLUMNS]
    schema = schema_of("base.assets.transfers", columns)
    with measured(chunk.ROWS) as found, Path(path).open("rb") as file:
        for batch in ParquetRows(file, columns, chunk.KEY, "chunk").in_avro(schema, 1).batches(1_024):
            lines, keys = batch.lines(), batch.keys() or []
            assert len(lines) == len(keys)
    return found


def standard_library(path: str) -> dict[str, float]:
    """Encode row by row."""
    with measured(chunk.ROWS) as found:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, use_threads=False):
            rows = [{name.lower(): value for name, value in row.items()} for row in batch.to_pylist()]
            lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
            keys = [row[chunk.KEY].encode() for row in rows]
            assert len(lines) == len(keys)
    return found


def read_only(path: str) -> dict[str, float]:
    """Only read the Parquet file: no encoder can be faster."""
    with measured(chunk.ROWS) as found, Path(path).open("rb") as file:
        for _batch in pq.ParquetFile(file).iter_batches(_BATCH_ROWS, use_threads=False):
            pass
    return found
