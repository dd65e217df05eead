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
    """A column of a job's rows: its field name in the message (lower case) and its kind."""

    name: str
    kind: JsonKind
