"""Snowflake's types: as declared in DDL, as described to clients, and as stored in DuckDB.

DuckDB cannot distinguish a VARIANT from an ARRAY, or a TIMESTAMP_TZ from an LTZ or NTZ. All timestamps are
TIMESTAMP_NS, zoned ones as their UTC instant, because DuckDB's own zoned type has only microseconds.
Therefore the server records the types of the columns when a table is created.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from sqlglot import exp
from sqlglot.expressions import DataType

_TEXT_LENGTH = 16_777_216
_BINARY_LENGTH = 8_388_608

_TIMESTAMPS = {
    DataType.Type.TIMESTAMP: "timestamp_ntz",
    DataType.Type.DATETIME: "timestamp_ntz",
    DataType.Type.TIMESTAMPNTZ: "timestamp_ntz",
    DataType.Type.TIMESTAMPLTZ: "timestamp_ltz",
    DataType.Type.TIMESTAMPTZ: "timestamp_tz",
}
SEMI_STRUCTURED = {
    DataType.Type.VARIANT: "variant",
    DataType.Type.OBJECT: "object",
    DataType.Type.ARRAY: "array",
}
# Stored as JSON: GeoJSON for geographies and geometries, an array for a vector.
_AS_JSON = {
    DataType.Type.GEOGRAPHY: "geography",
    DataType.Type.GEOMETRY: "geometry",
    DataType.Type.MAP: "map",
    DataType.Type.VECTOR: "vector",
}
_STRUCTURED = {DataType.Type.OBJECT, DataType.Type.ARRAY, DataType.Type.MAP}
# Stored as text: the server can describe it, and refuses to unload it.
_FILE = {DataType.Type.FILE: "file"}
_TEXTS = {DataType.Type.VARCHAR, DataType.Type.TEXT, DataType.Type.CHAR, DataType.Type.NCHAR}
_INTEGERS = {
    DataType.Type.TINYINT,
    DataType.Type.SMALLINT,
    DataType.Type.INT,
    DataType.Type.BIGINT,
}


@dataclass(frozen=True)
class SnowflakeType:
    """A type with the protocol's name for it, and its sizes."""

    name: str
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    dimension: int | None = None  # of a vector
    parts: tuple[SnowflakeType, ...] = ()  # of a structured type, or a vector's one

    @property
    def zoned(self) -> bool:
        return self.name in ("timestamp_ltz", "timestamp_tz")

    def row_type(self, column: str) -> dict[str, Any]:
        """Describe a result's column, as the protocol does."""
        length = self.length
        # There for what has them only: the connector takes a type with fields for a structured one.
        structured = {
            "fields": [part.row_type(f"{column}.{number}") for number, part in enumerate(self.parts)] or None,
            "vectorDimension": self.dimension,
        }
        return {
            **{name: value for name, value in structured.items() if value is not None},
            "name": column,
            "type": self.name,
            "precision": self.precision,
            "scale": self.scale,
            "length": length,
            "byteLength": None if length is None else min(length * 4, _TEXT_LENGTH),
            "nullable": True,
            "database": "",
            "schema": "",
            "table": "",
            "collation": None,
        }


def of_declaration(declared: DataType) -> SnowflakeType | None:  # noqa: PLR0911 - one line a type
    """Return the type of a column definition, or None if DuckDB's own type determines it."""
    parameter = next((int(each.name) for each in declared.expressions if each.name.isdigit()), None)
    if name := _TIMESTAMPS.get(declared.this):
        return SnowflakeType(name, 0, 9 if parameter is None else parameter)
    if declared.this == DataType.Type.VECTOR:
        return SnowflakeType("vector", dimension=parameter, parts=(SnowflakeType("real"),))
    if declared.this in _STRUCTURED and declared.expressions:
        parts = [part.kind if isinstance(part, exp.ColumnDef) else part for part in declared.expressions]
        return SnowflakeType(
            SEMI_STRUCTURED.get(declared.this) or _AS_JSON[declared.this],
            parts=tuple(of_declaration(part) or SnowflakeType("fixed", 38, 0) for part in parts),
        )
    if name := SEMI_STRUCTURED.get(declared.this) or _AS_JSON.get(declared.this) or _FILE.get(declared.this):
        return SnowflakeType(name)
    if declared.this == DataType.Type.TIME:
        return SnowflakeType("time", 0, 9 if parameter is None else parameter)
    if declared.this in _TEXTS:
        return SnowflakeType("text", length=parameter or _TEXT_LENGTH)
    if declared.this in (DataType.Type.BINARY, DataType.Type.VARBINARY):
        return SnowflakeType("binary", length=parameter or _BINARY_LENGTH)
    return None


def of_arrow(physical: pa.DataType) -> SnowflakeType:  # noqa: PLR0911 - one line a type
    """Return the type of a result's column without a known declaration, from DuckDB's type."""
    if pa.types.is_decimal(physical):
        return SnowflakeType("fixed", physical.precision, physical.scale)
    if pa.types.is_integer(physical):
        return SnowflakeType("fixed", 38, 0)
    if pa.types.is_floating(physical):
        return SnowflakeType("real")
    if pa.types.is_boolean(physical):
        return SnowflakeType("boolean")
    if pa.types.is_date(physical):
        return SnowflakeType("date")
    if pa.types.is_time(physical):
        return SnowflakeType("time", 0, 9)
    if pa.types.is_timestamp(physical):
        return SnowflakeType("timestamp_ltz" if physical.tz else "timestamp_ntz", 0, 9)
    if pa.types.is_binary(physical):
        return SnowflakeType("binary", length=_BINARY_LENGTH)
    if isinstance(physical, pa.BaseExtensionType) or pa.types.is_nested(physical):
        return SnowflakeType("variant")
    return SnowflakeType("text", length=_TEXT_LENGTH)


_DUCKDB = {
    **dict.fromkeys(_TIMESTAMPS, DataType.Type.TIMESTAMP_NS),
    DataType.Type.TIME: DataType.Type.TIME_NS,
    DataType.Type.BINARY: DataType.Type.VARBINARY,
    DataType.Type.VARBINARY: DataType.Type.VARBINARY,
    **dict.fromkeys(_AS_JSON, DataType.Type.JSON),
    **dict.fromkeys(_FILE, DataType.Type.TEXT),
}


def to_duckdb(node: exp.Expression) -> exp.Expression:
    """Replace a Snowflake type by a DuckDB type that holds all of its values."""
    if not isinstance(node, DataType):
        return node
    if node.this in _INTEGERS or (node.this == DataType.Type.DECIMAL and _is_whole(node)):
        # 128 bits hold all 38 digits. Not DECIMAL(38, 0): fakesnow turns that into a BIGINT.
        return DataType(this=DataType.Type.INT128)
    if node.this in SEMI_STRUCTURED and node.expressions:
        return DataType(this=DataType.Type.JSON)
    other = _DUCKDB.get(node.this)
    return node if other is None else DataType(this=other)


def _is_whole(decimal: DataType) -> bool:
    sizes = [each.name for each in decimal.expressions]
    return sizes in ([], ["38"], ["38", "0"])


@dataclass
class Declarations:
    """The types of the columns of the tables created so far, by table."""

    _tables: dict[tuple[str, str, str], dict[str, SnowflakeType]] = field(default_factory=dict)

    def of_table(
        self, table: exp.Table, database: str | None, schema: str | None
    ) -> dict[str, SnowflakeType]:
        return self._tables.get(_key(table, database, schema), {})

    def of_query(
        self, query: exp.Expression, database: str | None, schema: str | None
    ) -> dict[str, SnowflakeType]:
        """Return, by their names in the result, the types of a query's plain columns of its only table."""
        source = query.args.get("from_")
        table = source.this if source else None
        if not isinstance(query, exp.Select) or not isinstance(table, exp.Table) or query.args.get("joins"):
            return {}
        declared = self.of_table(table, database, schema)
        found: dict[str, SnowflakeType] = {}
        for projection in query.expressions:
            column = projection.unalias()
            if isinstance(column, exp.Star):
                found |= declared
            elif isinstance(column, exp.Column) and (kind := declared.get(identifier(column.this))):
                found[identifier(projection.args.get("alias") or column.this)] = kind
        return found

    def record(self, statement: exp.Expression, database: str | None, schema: str | None) -> None:
        """Record the declarations of a CREATE TABLE or ALTER TABLE."""
        if not isinstance(statement, exp.Create | exp.Alter):
            return
        table = statement.find(exp.Table)
        if table is None or statement.kind != "TABLE":
            return
        key = _key(table, database, schema)
        types: dict[str, SnowflakeType] = {}
        if isinstance(statement, exp.Alter):
            types = dict(self._tables.get(key, {}))
        elif isinstance(statement.expression, exp.Query):
            types = self.of_query(statement.expression.unnest(), database, schema)
        for column in statement.find_all(exp.ColumnDef):
            if column.kind is not None and (kind := of_declaration(column.kind)):
                types[identifier(column.this)] = kind
        self._tables[key] = types


def identifier(node: exp.Identifier) -> str:
    """Return the name of an identifier: as written if quoted, otherwise in upper case."""
    return str(node.this if node.args.get("quoted") else node.this.upper())


def _key(table: exp.Table, database: str | None, schema: str | None) -> tuple[str, str, str]:
    catalog, db = table.args.get("catalog"), table.args.get("db")
    return (
        identifier(catalog) if catalog else database or "",
        identifier(db) if db else schema or "",
        identifier(table.this),
    )
