"""The unload's SQL, as Snowflake documents it.

Identifiers cannot be bound, so they are quoted; the connector binds everything that comes from a client. A
statement's text holds ``%s`` placeholders, with every other percent sign doubled.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.errors import UnloadRefused
from shared.domain.jobs import FilterValue, Job, Window
from shared.unload.columns import (
    SOURCE,
    Selected,
    TableColumn,
    find_column,
    quoted,
    reference,
    select_list,
    selected,
)
from shared.unload.filter import condition

__all__ = [
    "Selected",
    "Statement",
    "TableColumn",
    "copy_statement",
    "describe_stage_statement",
    "describe_statement",
    "find_statement",
    "known_statement",
    "selected",
    "slice_of",
    "unload_statement",
]

_PATH: Final = re.compile(r"([A-Za-z0-9_-]+/)+")
# DETAILED_OUTPUT is the manifest; with INCLUDE_QUERY_ID Snowflake cleans up after its own retries.
_FILES: Final = (
    "FILE_FORMAT = (TYPE = PARQUET COMPRESSION = SNAPPY) HEADER = TRUE "
    "INCLUDE_QUERY_ID = TRUE DETAILED_OUTPUT = TRUE"
)
_BLOCK: Final = "block"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with ``%s`` placeholders and the values that the connector binds to them."""

    text: str
    values: tuple[Any, ...] = ()


def describe_statement(table: str) -> Statement:
    """Return a SELECT of the whole table, which is described and never run."""
    return Statement(f"SELECT * FROM {_qualified(table)}")


def find_statement(location_stage: str, tag: str) -> Statement:
    """Return a SELECT of the ids of the queries with the tag, oldest first."""
    return Statement(f"{_history(location_stage)} WHERE QUERY_TAG = %s ORDER BY START_TIME", (tag,))


def known_statement(location_stage: str, query_id: str) -> Statement:
    """Return a SELECT of the query's id, if there is such a query."""
    return Statement(f"{_history(location_stage)} WHERE QUERY_ID = %s", (query_id,))


def unload_statement(
    *,
    job: Job,
    filter_values: Sequence[FilterValue],
    table_columns: Sequence[TableColumn],
    selection: Sequence[Selected],
    location_stage: str,
    max_file_bytes: int,
    block_column: str | None = None,
) -> Statement:
    """Return the statement that exports the job's slice to its attempt's prefix, one file per chunk.

    ``location_stage`` is ``DATABASE.SCHEMA.STAGE``, an external stage on the staging bucket;
    ``max_file_bytes`` is an upper bound of a file's size; ``block_column`` is the column of block windows,
    if the table has one. Raises UnloadRefused or UnsupportedColumn if the table lacks the columns that the
    job needs.
    """
    rows, values = slice_of(job.table, job.window, table_columns, block_column)
    if job.filter_column is not None:
        column = find_column(table_columns, job.filter_column, "the filter")
        listed, listed_values = condition(column, filter_values)
        rows, values = f"{rows} AND {listed}", (*values, *listed_values)
    source = Statement(f"SELECT {select_list(selection)} {rows}", values)
    return copy_statement(source, location_stage, job.attempt_prefix, max_file_bytes)


def copy_statement(source: Statement, location_stage: str, prefix: str, max_file_bytes: int) -> Statement:
    """Return the statement that exports a SELECT's rows to a prefix of the stage, in the form of every
    export.
    """
    location = f"@{_qualified(location_stage)}/{_path(prefix)}"
    return Statement(
        f"COPY INTO {location} FROM ({source.text}) {_FILES} MAX_FILE_SIZE = {max_file_bytes:d}",
        source.values,
    )


def describe_stage_statement(location_stage: str) -> Statement:
    """Return the statement that describes the stage."""
    return Statement(f"DESC STAGE {_qualified(location_stage)}")


def slice_of(
    table: str, window: Window, table_columns: Sequence[TableColumn], block_column: str | None
) -> tuple[str, tuple[Any, ...]]:
    """Return the FROM and WHERE that select the window's rows, and the bound values; more conditions may
    follow.

    Raises UnloadRefused if the table lacks the window's column.
    """
    conditions, values = _window(window, table_columns, block_column)
    return f"FROM {_qualified(table)} AS {SOURCE} WHERE {' AND '.join(conditions)}", values


def _window(
    window: Window, columns: Sequence[TableColumn], block_column: str | None
) -> tuple[list[str], tuple[Any, ...]]:
    """Return ``start <= column < end`` in the column's own type, so that Snowflake can prune partitions."""
    if window.partition_key == _BLOCK:
        if block_column is None:
            raise UnloadRefused("The table has no block column; use block_timestamp as the partition key")
        column = find_column(columns, block_column, "the window")
        if column.type != "FIXED":
            raise UnloadRefused(f"Column {column.field} is not a number, so no window of blocks can use it")
        return _half_open(column, "%s"), (int(window.start), int(window.end))
    column = find_column(columns, window.partition_key, "the window")
    match column.type:
        case "TIMESTAMP_NTZ":
            offset = ""
        case "TIMESTAMP_LTZ" | "TIMESTAMP_TZ":
            # This compares instants; the offset makes the bound independent of the session's time zone.
            offset = "+00:00"
        case _:
            raise UnloadRefused(
                f"Column {column.field} is of type {column.type}; a window can only be over a timestamp"
            )
    return _half_open(column, f"%s::{column.type}(9)"), (window.start + offset, window.end + offset)


def _history(location_stage: str) -> str:
    """Return the last queries that the service's role may see, including running ones: 7 days, at most
    10,000.
    """
    database = quoted(location_stage.split(".", maxsplit=1)[0].upper())
    return f"SELECT QUERY_ID FROM TABLE({database}.INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000))"


def _half_open(column: TableColumn, placeholder: str) -> list[str]:
    return [f"{reference(column)} >= {placeholder}", f"{reference(column)} < {placeholder}"]


def _qualified(name: str) -> str:
    """Quote a dotted name of plain identifiers: each part then means the same as unquoted in upper case."""
    return ".".join(quoted(part.upper()) for part in name.split("."))


def _path(prefix: str) -> str:
    """Return the path for inclusion in the statement; only the characters of our own ids are safe there."""
    if not _PATH.fullmatch(prefix):
        raise ValueError("the prefix does not consist of ids")
    return prefix
