"""A table's columns as Snowflake describes them, and the text that each is unloaded as.

The unload's SELECT writes dates, times, decimals and binaries exactly as the message has them, so the
physical types and units in Snowflake's Parquet files do not matter
(``docs/decisions/002-text-in-the-unload.md``).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.errors import UnloadRefused, UnsupportedColumn

SOURCE: Final = "slice"


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column as Snowflake describes it: its exact name, its type's name (``FIXED``, ``REAL``,
    ``TEXT``, ``DATE``, ``TIMESTAMP_NTZ`` …), its scale and its precision, which is 0 for most types.
    """

    name: str
    type: str
    scale: int
    precision: int = 0

    @property
    def field(self) -> str:
        """Return its name in the message."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class _Form:
    """How a type is unloaded: the kind of its JSON values, and the SQL that writes such a value."""

    kind: JsonKind
    expression: Callable[[str], str]


def quoted(identifier: str) -> str:
    """Quote the identifier for a statement with ``%s`` placeholders."""
    return '"' + identifier.replace('"', '""').replace("%", "%%") + '"'


def reference(column: TableColumn) -> str:
    """Return the column's name in a statement that selects from its table as SOURCE.

    Without the qualifier, a name in the WHERE could also mean the selected text under its alias.
    """
    return f"{SOURCE}.{quoted(column.name)}"


@dataclass(frozen=True, slots=True)
class Selected:
    """A column of the table and its column in the staged files, under its alias there."""

    of_table: TableColumn
    alias: str
    column: Column


def selected(
    columns: Sequence[TableColumn], chosen: Sequence[Choice], keys: Sequence[str]
) -> tuple[Selected, ...]:
    """Return the staged columns: the ``chosen`` ones, or all of the table's in its order, then missing
    ``keys``.

    All chunks of a job use this one mapping to JSON. Raises UnsupportedColumn, which names a column without a
    mapping or two columns with the same field; UnloadRefused for a column that the table lacks.
    """
    if not chosen:
        _require_distinct(columns)
        return tuple(Selected(column, column.name, _column(column, column.field)) for column in columns)
    found = [_chosen(find_column(columns, choice.column, "the rows"), choice) for choice in chosen]
    there = {one.column.of_table for one in found}
    hidden = [find_column(columns, key, "the messages' keys") for key in keys if key not in there]
    return (*found, *(_hidden(column) for column in hidden))


def select_list(selection: Sequence[Selected]) -> str:
    """Return the SELECT's list of expressions."""
    return ", ".join(f"{expression(one.of_table)} AS {quoted(one.alias)}" for one in selection)


def expression(column: TableColumn) -> str:
    """Return the SQL of the column's values as they are staged."""
    return _form(column).expression(reference(column))


def find_column(columns: Sequence[TableColumn], name: str, role: str) -> TableColumn:
    """Find the column by name, ignoring case; ``role`` says in an error what the column is for."""
    found = [column for column in columns if column.field == name.lower()]
    if not found:
        existing = ", ".join(column.field for column in columns)
        raise UnloadRefused(f"The table has no column {name} for {role}; its columns are {existing}")
    if len(found) > 1:
        alike = ", ".join(column.name for column in found)
        raise UnloadRefused(f"{role.capitalize()} {name} matches several columns of the table: {alike}")
    return found[0]


def _require_distinct(columns: Sequence[TableColumn]) -> None:
    counted = Counter(column.field for column in columns)
    for name, count in counted.items():
        if count > 1:
            alike = ", ".join(column.name for column in columns if column.field == name)
            raise UnsupportedColumn(f"Columns that differ only in case cannot share one JSON object: {alike}")


def _chosen(column: TableColumn, choice: Choice) -> Selected:
    return Selected(column, choice.field, _column(column, choice.field))


def _hidden(column: TableColumn) -> Selected:
    # No field contains a colon, so this name is unique.
    name = f"key:{column.field}"
    return Selected(column, name, _column(column, name, hidden=True))


def _column(column: TableColumn, name: str, *, hidden: bool = False) -> Column:
    """The column as the job records it, under this name."""
    source = None if name == column.field else column.field
    described = TableType(column.type, column.precision, column.scale)
    return Column(name, _form(column).kind, source, hidden, described)


def _as_it_is(value: str) -> str:
    return value


def _as_text(value: str) -> str:
    return f"TO_VARCHAR({value})"


def _as_date(value: str) -> str:
    return f"TO_VARCHAR({value}, 'YYYY-MM-DD')"


def _as_time(value: str) -> str:
    return _without_empty_fraction(f"TO_VARCHAR({value}, 'HH24:MI:SS.FF9')")


def _as_timestamp(value: str) -> str:
    return _without_empty_fraction(f"TO_VARCHAR({value}, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9')")


def _as_instant(value: str) -> str:
    return _as_timestamp(f"CONVERT_TIMEZONE('UTC', {value})::TIMESTAMP_NTZ(9)") + " || 'Z'"


def _as_hex(value: str) -> str:
    # The second argument selects lower case; the default is upper.
    return f"HEX_ENCODE({value}, 0)"


def _as_json(value: str) -> str:
    return f"TO_JSON({value})"


def _as_object(value: str) -> str:
    # Only a cast turns a structured object or a map into a plain one; a plain one stays unchanged.
    return f"TO_JSON({value}::OBJECT)"


def _as_geojson(value: str) -> str:
    return f"TO_JSON(ST_ASGEOJSON({value}))"


def _as_array(value: str) -> str:
    return f"TO_JSON({value}::ARRAY)"


def _without_empty_fraction(value: str) -> str:
    """Remove the trailing zeros of FF9's nine digits, then the point if no digit follows it."""
    return f"RTRIM(RTRIM({value}, '0'), '.')"


_DECIMAL: Final = _Form(JsonKind.TEXT, _as_text)
_FORMS: Final[Mapping[str, _Form]] = MappingProxyType(
    {
        "FIXED": _Form(JsonKind.INTEGER, _as_it_is),
        "REAL": _Form(JsonKind.FLOAT, _as_it_is),
        "TEXT": _Form(JsonKind.TEXT, _as_it_is),
        "BOOLEAN": _Form(JsonKind.BOOLEAN, _as_it_is),
        "DATE": _Form(JsonKind.TEXT, _as_date),
        "TIME": _Form(JsonKind.TEXT, _as_time),
        "TIMESTAMP_NTZ": _Form(JsonKind.TEXT, _as_timestamp),
        "TIMESTAMP_LTZ": _Form(JsonKind.TEXT, _as_instant),
        "TIMESTAMP_TZ": _Form(JsonKind.TEXT, _as_instant),
        "BINARY": _Form(JsonKind.TEXT, _as_hex),
        "VARIANT": _Form(JsonKind.JSON, _as_json),
        "OBJECT": _Form(JsonKind.JSON, _as_object),
        "ARRAY": _Form(JsonKind.JSON, _as_array),
        "MAP": _Form(JsonKind.JSON, _as_object),
        "VECTOR": _Form(JsonKind.JSON, _as_array),
        "GEOGRAPHY": _Form(JsonKind.JSON, _as_geojson),
        "GEOMETRY": _Form(JsonKind.JSON, _as_geojson),
    }
)
# Snowflake describes three types by other names than those that a table is created with.
DECLARED: Final = MappingProxyType({"FIXED": "NUMBER", "REAL": "FLOAT", "TEXT": "VARCHAR"})
SUPPORTED: Final = tuple(DECLARED.get(name, name) for name in _FORMS)


def _form(column: TableColumn) -> _Form:
    if column.type == "FIXED" and column.scale > 0:
        return _DECIMAL
    form = _FORMS.get(column.type)
    if form is None:
        raise UnsupportedColumn(
            f"Column {column.field} is of type {column.type}, which has no mapping to JSON; "
            f"supported are {', '.join(SUPPORTED[:-1])} and {SUPPORTED[-1]}"
        )
    return form
