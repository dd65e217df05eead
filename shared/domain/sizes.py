"""The size of a job's record.

Firestore refuses a document of more than 1 MiB. Only two parts of a job's record may grow that large: its
destinations, and its columns, whose names the record holds up to five times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from shared.domain.columns import Choice, Column, JsonKind, TableType

MOST_BYTES = 1_000_000
"""The most bytes of columns and destinations. The rest of 1 MiB is for other fields and hidden columns."""

_LONGEST_TYPE = TableType("TIMESTAMP_NTZ")


def chosen_bytes(chosen: Sequence[Choice]) -> int:
    """Return the bytes of these columns in the record, once the table's types are known."""
    return columns_bytes(chosen, [_column(choice) for choice in chosen])


def columns_bytes(chosen: Sequence[Choice], columns: Sequence[Column]) -> int:
    """Return the bytes of the columns that the client chose and of the columns that are staged."""
    staged = (column for column in columns if not column.hidden)
    return sum(map(_choice_bytes, chosen)) + sum(map(_column_bytes, staged))


def stored_bytes(value: Any) -> int:
    """Return the bytes of a JSON value as Firestore counts them."""
    if isinstance(value, str):
        return len(value.encode()) + 1
    if isinstance(value, Mapping):
        return sum(stored_bytes(name) + stored_bytes(item) for name, item in value.items())
    if isinstance(value, Sequence):
        return sum(map(stored_bytes, value))
    return 1 if value is None or isinstance(value, bool) else 8


def _choice_bytes(choice: Choice) -> int:
    return stored_bytes(asdict(choice))


def _column_bytes(column: Column) -> int:
    # The record holds the types in a list beside the columns, with the columns' names.
    return stored_bytes(asdict(column)) + stored_bytes({"column": column.name})


def _column(choice: Choice) -> Column:
    source = None if choice.field == choice.column else choice.column
    return Column(choice.field, JsonKind.BOOLEAN, source, type=_LONGEST_TYPE)
