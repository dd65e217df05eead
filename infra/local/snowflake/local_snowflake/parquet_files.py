"""Writes rows to Parquet files of a bounded size, with integers as narrow as each file's values allow."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW_GROUP_ROWS = 65_536
_SAMPLE_ROWS = 1_000
_FILL = 0.92  # the fraction of the maximum size that the estimate aims at
_WHOLE = pa.decimal128(38, 0)


@dataclass(frozen=True)
class ParquetFile:
    """One file's content and its number of rows."""

    content: bytes
    rows: int


def split(
    reader: pa.RecordBatchReader, max_bytes: int, *, narrow: bool, faults: frozenset[str] = frozenset()
) -> Iterator[ParquetFile]:
    """Write rows to files of at most ``max_bytes`` each (a single row may be more), in the rows' order.

    With ``narrow``, each file's integers are as small as the file's values allow, like in Snowflake's unload
    by default. Otherwise every integer is a DECIMAL(38, 0).
    """
    waiting = reader.schema.empty_table()
    row_bytes = 0.0
    exhausted = False
    while True:
        wanted = max(1, int(max_bytes * _FILL / row_bytes)) if row_bytes else _SAMPLE_ROWS
        batches, count = [], waiting.num_rows
        while count < wanted and not exhausted:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                exhausted = True
                break
            batches.append(batch)
            count += batch.num_rows
        waiting = pa.concat_tables([waiting, pa.Table.from_batches(batches, reader.schema)])
        if waiting.num_rows == 0:
            return
        rows = min(wanted, waiting.num_rows)
        content = _encode(waiting.slice(0, rows), narrow=narrow, faults=faults)
        measured = row_bytes > 0
        row_bytes = len(content) / rows
        too_large = len(content) > max_bytes and rows > 1
        too_early = not measured and not (exhausted and rows == waiting.num_rows)
        if too_large or too_early:
            continue
        yield ParquetFile(content, rows)
        waiting = waiting.slice(rows)


def _encode(rows: pa.Table, *, narrow: bool, faults: frozenset[str]) -> bytes:
    for index, field in enumerate(rows.schema):
        kind = _physical(rows.column(index), narrow=narrow)
        if kind != field.type:
            rows = rows.set_column(index, field.name, rows.column(index).cast(kind))
    if "text as binary" in faults:
        binary = [pa.binary() if pa.types.is_string(field.type) else field.type for field in rows.schema]
        rows = rows.cast(pa.schema(list(zip(rows.column_names, binary, strict=True))))
    target = io.BytesIO()
    compression = "gzip" if "other compression" in faults else "snappy"
    pq.write_table(rows, target, compression=compression, row_group_size=_ROW_GROUP_ROWS)
    return target.getvalue()


def _physical(column: pa.ChunkedArray, *, narrow: bool) -> pa.DataType:
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.string()  # a VARIANT, whose file holds its JSON
    whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
    if not whole:
        return kind
    if not narrow:
        return _WHOLE
    bounds = pc.min_max(column).as_py()
    low, high = int(bounds["min"] or 0), int(bounds["max"] or 0)
    for bits, small in ((31, pa.int32()), (63, pa.int64())):
        if -(2**bits) <= low and high < 2**bits:
            return small
    return _WHOLE
