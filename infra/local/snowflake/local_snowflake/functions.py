"""Snowflake's functions and literals that give other results in DuckDB, as fakesnow calls it."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.expressions import DataType

from local_snowflake.column_types import SEMI_STRUCTURED, to_duckdb
from local_snowflake.failures import unsupported

_OFFSET = re.compile(r"^(\d{4}-\d\d-\d\d[ T][\d:.]+) ?([+-]\d\d(?::?\d\d)?|Z)$")

# Snowflake's format elements and DuckDB's. Text in double quotes is literal.
_ELEMENTS = {
    "YYYY": "%Y",
    "MM": "%m",
    "DD": "%d",
    "HH24": "%H",
    "MI": "%M",
    "SS": "%S",
    "FF9": "%n",
    "FF": "%n",
    "FF6": "%f",
    "FF3": "%g",
}
_TRIMS = {"TRAILING": "rtrim", "LEADING": "ltrim", "BOTH": "trim", "": "trim"}
_FORMAT = re.compile(r'"[^"]*"|YYYY|MM|DD|HH24|MI|SS|FF[369]?|[A-Z]+|.', re.IGNORECASE | re.DOTALL)


def rewrite(statement: exp.Expression) -> exp.Expression:
    """Rewrite a statement's types, formats and functions so that DuckDB returns what Snowflake documents."""
    # Storing a string in a timestamp column casts it implicitly.
    change = _stored if isinstance(statement, exp.Insert) else _function
    # Leaves first: sqlglot's own transform does not visit the nodes that it has just inserted.
    for node in reversed(list(statement.bfs())):
        if node is not statement and (changed := change(node)) is not node:
            node.replace(changed)
    return statement.transform(to_duckdb)


def _stored(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Literal) and node.is_string and (match := _OFFSET.match(node.name)):
        return exp.Literal.string("".join(match.groups()))
    return _function(node)


def _function(node: exp.Expression) -> exp.Expression:  # noqa: C901, PLR0911 - one case a function
    match node:
        case exp.ToChar() if fmt := node.args.get("format"):
            return _formatted(node.this, _format(fmt.name), has_date="YYYY" in fmt.name.upper())
        case exp.TimeToStr():
            # sqlglot's form of a format if it knows the argument's type. The format is Python's here.
            fmt = node.args["format"].name.replace("%f_nine", "%n")
            return _formatted(node.this, fmt, has_date="%Y" in fmt)
        case exp.Trim() if characters := node.args.get("expression"):
            # fakesnow would drop the side and the characters.
            name = _TRIMS[str(node.args.get("position") or "").upper()]
            return exp.Anonymous(this=name, expressions=[exp.cast(node.this, DataType.Type.TEXT), characters])
        case exp.ConvertTimezone():
            return _to_utc(node)
        case exp.JSONFormat():
            return exp.cast(exp.Anonymous(this="json", expressions=[node.this]), DataType.Type.TEXT)
        case exp.Anonymous() if node.name.upper() == "ST_ASGEOJSON":
            return node.expressions[0]
        case exp.Cast() if node.to.this in SEMI_STRUCTURED and isinstance(node.this, exp.Column):
            # The column is stored as JSON, whatever its declared type.
            return exp.cast(node.this, DataType.Type.JSON)
        case exp.ToBinary() if not node.args.get("format"):
            return exp.Unhex(this=node.this)
        case exp.Literal() if node.is_string and "\0" in node.name:
            # DuckDB ends a statement at a NUL.
            parts = ", chr(0), ".join(
                exp.Literal.string(part).sql("duckdb") for part in node.name.split("\0")
            )
            return exp.maybe_parse(f"concat({parts})", dialect="duckdb")
        case exp.Cast() if isinstance(node.this, exp.Literal) and node.this.is_string:
            return _timestamp_literal(node)
    return node


def _format(snowflake: str) -> str:
    """Return DuckDB's format for Snowflake's."""
    parts: list[str] = []
    for part in _FORMAT.findall(snowflake):
        if part.startswith('"'):
            parts.append(part.strip('"').replace("%", "%%"))
        elif element := _ELEMENTS.get(part.upper()):
            parts.append(element)
        elif part.isalpha():
            raise unsupported(f"the format element {part}")
        else:
            parts.append(part.replace("%", "%%"))
    return "".join(parts)


def _formatted(value: exp.Expression, fmt: str, *, has_date: bool) -> exp.Expression:
    if not has_date:
        # DuckDB cannot format times, so add the epoch's date.
        time = exp.cast(value, DataType.Type.TIME_NS)
        nanoseconds = exp.Anonymous(this="epoch_ns", expressions=[time])
        value = exp.Anonymous(this="make_timestamp_ns", expressions=[nanoseconds])
    return exp.Anonymous(this="strftime", expressions=[value, exp.Literal.string(fmt)])


def _to_utc(node: exp.ConvertTimezone) -> exp.Expression:
    zone = node.args.get("target_tz")
    if node.args.get("source_tz") or zone is None or zone.name.upper() != "UTC":
        raise unsupported("CONVERT_TIMEZONE but for ('UTC', timestamp)")
    # Zoned timestamps are already stored as their UTC instant.
    return exp.cast(node.args["timestamp"], DataType.Type.TIMESTAMP_NS)


def _timestamp_literal(node: exp.Cast) -> exp.Expression:
    match = _OFFSET.match(node.this.name)
    if match is None:
        return node
    if node.to.this in (DataType.Type.TIMESTAMPTZ, DataType.Type.TIMESTAMPLTZ):
        # DuckDB accepts an offset only without a space before it.
        node.this.replace(exp.Literal.string("".join(match.groups())))
    elif node.to.this in (DataType.Type.TIMESTAMPNTZ, DataType.Type.TIMESTAMP, DataType.Type.DATETIME):
        # An NTZ keeps the wall-clock time and drops the offset. DuckDB would convert it to UTC.
        node.this.replace(exp.Literal.string(match[1]))
    return node
