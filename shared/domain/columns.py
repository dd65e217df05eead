"""The columns of a job's rows: what their values are in JSON, decided once per job.

Snowflake's unload may give one column other physical types in other files, so neither the files nor
their metadata decide the mapping; the table's description does, and every chunk obeys it.
"""

from dataclasses import dataclass
from enum import StrEnum


class JsonKind(StrEnum):
    """What a column's values are in JSON, and so how they lie in the staged files.

    ``TEXT``     a JSON string; staged as a string that is already in its final form. Dates, times,
                 timestamps, decimals and binaries are TEXT: the unload's SELECT formats them.
    ``INTEGER``  a JSON integer of up to 38 digits; staged as any integer type or a decimal of scale 0.
    ``FLOAT``    a JSON number, NaN and infinities null; staged as a float or a double.
    ``BOOLEAN``  true or false; staged as a boolean.
    ``JSON``     any JSON value; staged as its text.
    """

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a job's staged files: its field's name in the message, and its kind.

    ``source``: the table's column, in lower case, where the client gave the field another name.
    ``hidden``: it is staged for what a destination needs of it, such as a message's key, and is no field.
    """

    name: str
    kind: JsonKind
    source: str | None = None
    hidden: bool = False

    @property
    def of_table(self) -> str:
        """The table's column in lower case."""
        return self.source or self.name


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that a client chose, and the name that it gave to its field, if it did."""

    column: str
    name: str | None = None

    @property
    def field(self) -> str:
        return self.name or self.column
