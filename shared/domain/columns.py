"""The columns of a job's rows and their JSON types, decided once per job.

Snowflake's unload may store one column with different physical types in different files. Therefore neither
the files nor their metadata decide the mapping. The table's description does, and every chunk follows it.
"""

from dataclasses import dataclass
from enum import StrEnum


class JsonKind(StrEnum):
    """The JSON type of a column's values, and how the staged files store them.

    ``TEXT``     a JSON string; staged as a string that is already in its final form. Dates, times,
                 timestamps, decimals and binaries are TEXT: the unload's SELECT formats them.
    ``INTEGER``  a JSON integer of up to 38 digits; staged as any integer type or a decimal of scale 0.
    ``FLOAT``    a JSON number, with NaN and infinities as null; staged as a float or a double.
    ``BOOLEAN``  true or false; staged as a boolean.
    ``JSON``     any JSON value; staged as its text.
    """

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class TableType:
    """A column's type as Snowflake describes it: ``FIXED``, ``REAL``, ``TEXT``, ``TIMESTAMP_NTZ`` …

    ``precision``: the decimal digits of a ``FIXED``. ``scale``: the digits of its fraction, or of a time's
    seconds.
    """

    name: str
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a job's staged files: the name of its field in the message, and its kind.

    ``source``: the table's column in lower case, if the client gave the field another name.
    ``hidden``: the column is staged only for a destination's own use, such as a message key. It is not a
    field.
    ``type``: the type of the table's column. Jobs that an older release staged have none.
    """

    name: str
    kind: JsonKind
    source: str | None = None
    hidden: bool = False
    type: TableType | None = None

    @property
    def of_table(self) -> str:
        """The table's column in lower case."""
        return self.source or self.name


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that the client chose, with the field name that the client gave it, if any."""

    column: str
    name: str | None = None

    @property
    def field(self) -> str:
        return self.name or self.column
