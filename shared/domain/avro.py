"""The Avro schema of a job's rows: one field for each column, by the type that Snowflake describes.

Each field is a union with null. No value is rounded or cut: a column whose values Avro's own types cannot
hold, such as a time with nanoseconds, is a string in the form of the JSON rows. The schema depends only on
the table and the chosen columns, so a job has one, whatever its files' physical types are
(``docs/decisions/032-avro.md``).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import DestinationRefused

Schema = dict[str, Any]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_DIGITS: Final = 38  # Snowflake's largest precision
_LONG_DIGITS: Final = 18  # every number of so many digits fits in 64 bits
_MICROSECONDS: Final = 6  # digits of a second's fraction

_OF_KINDS: Final[dict[JsonKind, str]] = {
    JsonKind.TEXT: "string",
    JsonKind.FLOAT: "double",
    JsonKind.BOOLEAN: "boolean",
    JsonKind.JSON: "string",
}
_TIMES: Final = {
    "TIME": "time-micros",
    "TIMESTAMP_NTZ": "local-timestamp-micros",
    "TIMESTAMP_LTZ": "timestamp-micros",
    "TIMESTAMP_TZ": "timestamp-micros",
}


def schema_of(table: str, columns: Sequence[Column]) -> Schema:
    """Return the schema of the ``table``'s rows with these columns as fields.

    The record has the table's name, with ``_`` for ``$``. DestinationRefused names the fields whose names are
    no names in Avro.
    """
    if unfit := [column.name for column in columns if _NAME.fullmatch(column.name) is None]:
        raise DestinationRefused(
            f"Avro allows only letters, digits and _ in names, and no digit first: {', '.join(unfit)}. Give"
            " these columns other names with `as` in the job's columns"
        )
    namespace, _, name = table.replace("$", "_").rpartition(".")
    fields = [{"name": column.name, "type": ["null", _type(column)], "default": None} for column in columns]
    return {"type": "record", "name": name, "namespace": namespace, "fields": fields}


def _type(column: Column) -> str | Schema:
    of_table = column.type or TableType("")
    if column.kind is JsonKind.INTEGER or of_table.name == "FIXED":
        return _number(of_table.precision or _MOST_DIGITS, of_table.scale)
    if of_table.name == "DATE":
        return {"type": "int", "logicalType": "date"}
    if of_table.name == "BINARY":
        return "bytes"
    if of_table.name in _TIMES and of_table.scale <= _MICROSECONDS:
        return {"type": "long", "logicalType": _TIMES[of_table.name]}
    return _OF_KINDS[column.kind]


def _number(precision: int, scale: int) -> str | Schema:
    if scale <= 0:
        precision, scale = precision - scale, 0
        if precision <= _LONG_DIGITS:
            return "long"
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
