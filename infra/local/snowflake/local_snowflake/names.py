"""Checks the tables and columns of a query like Snowflake: by exact case, before the query runs.

DuckDB ignores case, so it would accept a quoted name that Snowflake refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from local_snowflake.column_types import identifier
from local_snowflake.failures import invalid_identifier, missing

if TYPE_CHECKING:
    from local_snowflake.engine import Connection

_RELATIONS = """
    SELECT 1 FROM (
        SELECT database_name, schema_name, table_name AS name FROM duckdb_tables()
        UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views()
    ) WHERE database_name = ? AND schema_name = ? AND name = ?
"""
_SCHEMA = "SELECT 1 FROM duckdb_schemas() WHERE database_name = ? AND schema_name = ?"
_DATABASE = "SELECT 1 FROM duckdb_databases() WHERE database_name = ?"
_COLUMNS = """
    SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND schema_name = ? AND table_name = ?
"""


def check(query: exp.Expression, text: str, connection: Connection) -> None:
    """Raise Snowflake's failure for the first table or column that does not exist."""
    common = {identifier(each.args["alias"].this) for each in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier) and not _is_system(table):
            if not table.db and identifier(table.this) in common:
                continue
            _check_table(_path(table, connection), connection)
    if table := _only_table(query):
        _check_columns(query, table, text, connection)


def _is_system(table: exp.Table) -> bool:
    return table.db.upper() == "INFORMATION_SCHEMA" or table.name.startswith("_")


def _path(table: exp.Table, connection: Connection) -> tuple[str, str, str]:
    catalog, db = table.args.get("catalog"), table.args.get("db")
    return (
        identifier(catalog) if catalog else connection.database or "",
        identifier(db) if db else connection.schema or "",
        identifier(table.this),
    )


def _check_table(path: tuple[str, str, str], connection: Connection) -> None:
    database, schema, _ = path
    if connection.fetch(_RELATIONS, path):
        return
    if not connection.fetch(_DATABASE, [database]):
        raise missing("Database", database)
    if not connection.fetch(_SCHEMA, [database, schema]):
        raise missing("Schema", f"{database}.{schema}")
    raise missing("Object", ".".join(path))


def _only_table(query: exp.Expression) -> exp.Table | None:
    """Return the table of a plain SELECT from one table. Only the columns of such queries are checked."""
    selects = list(query.find_all(exp.Select))
    tables = list(query.find_all(exp.Table))
    if len(selects) != 1 or len(tables) != 1 or query.find(exp.Lateral, exp.TableFromRows):
        return None
    table = tables[0]
    return table if isinstance(table.this, exp.Identifier) and not _is_system(table) else None


def _check_columns(query: exp.Expression, table: exp.Table, text: str, connection: Connection) -> None:
    known = {row[0] for row in connection.fetch(_COLUMNS, _path(table, connection))}
    for column in query.find_all(exp.Column):
        if not isinstance(column.this, exp.Identifier):
            continue  # a star
        name = identifier(column.this)
        if name not in known and not _is_alias(name, column, query):
            start = column.this.meta.get("start", 0)
            line = text.count("\n", 0, start) + 1
            position = start - (text.rfind("\n", 0, start) + 1)
            raise invalid_identifier(name, line, position)


def _is_alias(name: str, column: exp.Column, query: exp.Expression) -> bool:
    """Return whether the name is another expression's alias, which Snowflake allows in a query."""
    own = column.find_ancestor(exp.Alias)
    return any(
        alias is not own and identifier(alias.args["alias"]) == name for alias in query.find_all(exp.Alias)
    )
