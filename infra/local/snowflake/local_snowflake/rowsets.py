"""Results in the protocol's JSON rowset form: every value is text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from local_snowflake.column_types import SnowflakeType, of_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True)
class Rowset:
    """A statement's result: the description of its columns, and its rows."""

    row_types: list[dict[str, Any]]
    rows: list[list[str | None]]
    statement_type: int = 0x1000  # SELECT


def text_result(column: str, text: str) -> Rowset:
    """Return a result of one row and one text column."""
    return Rowset([SnowflakeType("text", length=len(text)).row_type(column)], [[text]])


def of_table(table: pa.Table, declared: Mapping[str, SnowflakeType], statement_type: int) -> Rowset:
    """Convert DuckDB's result to a rowset. Its columns have their declared types if these are known."""
    types = [declared.get(field.name) or of_arrow(field.type) for field in table.schema]
    row_types = [kind.row_type(name) for kind, name in zip(types, table.column_names, strict=True)]
    columns = [_texts(column, kind) for column, kind in zip(table.columns, types, strict=True)]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Rowset(row_types, rows, statement_type)


def _texts(column: pa.ChunkedArray, kind: SnowflakeType) -> list[str | None]:
    to_text: Callable[[Any], str] = str
    physical = column.type
    if pa.types.is_timestamp(physical) or pa.types.is_time(physical):
        factor = _NANOSECONDS[physical.unit]
        # 1440 minutes are the offset 0 of a TIMESTAMP_TZ.
        suffix = " 1440" if kind.name == "timestamp_tz" else ""
        column = column.cast(pa.int64())
        to_text = lambda value: f"{Decimal(value * factor).scaleb(-9):f}{suffix}"  # noqa: E731 - one of many
    elif pa.types.is_date(physical):
        column = column.cast(pa.int32())
    elif pa.types.is_decimal(physical):
        to_text = "{:f}".format
    elif pa.types.is_boolean(physical):
        to_text = {True: "true", False: "false"}.__getitem__
    elif pa.types.is_binary(physical):
        to_text = bytes.hex
    elif pa.types.is_nested(physical):
        to_text = json.dumps
    elif isinstance(physical, pa.BaseExtensionType):
        column = column.cast(pa.string())
    return [None if value is None else to_text(value) for value in column.to_pylist()]
