"""DuckDB behind fakesnow: databases, connections to them, and statements translated for DuckDB."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from fakesnow.instance import FakeSnow
from sqlglot import exp

from local_snowflake import functions, history
from local_snowflake.column_types import Declarations
from local_snowflake.failures import compilation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_snowflake.queries import QueryLog

_BATCH_ROWS = 2_048
_LONG_LIST = 100
_LONGEST_LIST = 16_384


class Cursor(FakeSnowflakeCursor):
    """fakesnow's cursor, with our types and functions."""

    _conn: Connection

    def duckdb_sql(self, query: exp.Expression) -> str:
        """Translate a SELECT for DuckDB."""
        self.check_db_and_schema(query)
        return self._transform(query.copy(), None).sql(dialect="duckdb")

    def answer(self, text: str, parameters: Sequence[Any] | None) -> pa.Table:
        """Execute any statement, and return DuckDB's result."""
        statement = parse_one(text)
        self.execute(text, binding_params=parameters, server=True)
        self._conn.declarations.record(statement, self._conn.database, self._conn.schema)
        # fakesnow keeps every result for RESULT_SCAN, which would fill the memory.
        self._conn.results_cache.clear()
        return self._arrow_table if self._arrow_table is not None else pa.table({})

    def _transform(self, expression: exp.Expression, params: Any) -> exp.Expression:
        expression = history.rewrite(expression, self._duck_conn, self._conn.queries.all())
        expression = functions.rewrite(expression)
        # fakesnow copies the statement some sixty times: a filter of 16,384 values would take 10 s.
        lists = _take_long_lists(expression)
        return _put_back(super()._transform(expression, params), lists)

    def _inline_variables(self, sql: str) -> str:
        # fakesnow would treat a $ inside a string as a session variable.
        return sql


def _take_long_lists(statement: exp.Expression) -> dict[str, list[exp.Expression]]:
    """Replace the values of each long IN list by a placeholder. Return the values by placeholder."""
    lists: dict[str, list[exp.Expression]] = {}
    for node in statement.find_all(exp.In):
        if len(node.expressions) > _LONGEST_LIST:
            raise compilation(
                "maximum number of expressions in a list exceeded, "
                f"expected at most {_LONGEST_LIST:,}, got {len(node.expressions):,}",
                1795,
                "42601",
            )
        if len(node.expressions) > _LONG_LIST:
            mark = f"list {len(lists)}"
            lists[mark] = node.expressions
            node.set("expressions", [exp.Literal.string(mark)])
    return lists


def _put_back(statement: exp.Expression, lists: dict[str, list[exp.Expression]]) -> exp.Expression:
    if lists:
        for node in statement.find_all(exp.In):
            if len(node.expressions) == 1 and (values := lists.get(node.expressions[0].name)):
                node.set("expressions", values)
    return statement


class Connection(FakeSnowflakeConnection):
    """One DuckDB connection with its current database and schema."""

    def __init__(self, engine: Engine, database: str | None, schema: str | None) -> None:
        super().__init__(engine.duck_conn.cursor(), {}, database, schema)
        self.declarations = engine.declarations
        self.queries = engine.queries

    def cursor(self, cursor_class: Any = None) -> Cursor:  # noqa: ARG002 - fakesnow's signature
        return Cursor(conn=self, duck_conn=self._duck_conn)

    def fetch(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement in DuckDB's SQL."""
        return self._duck_conn.execute(sql, parameters).fetchall()

    def stream(self, sql: str) -> pa.RecordBatchReader:
        """Stream the rows of a statement in DuckDB's SQL."""
        return self._duck_conn.execute(sql).to_arrow_reader(_BATCH_ROWS)

    def interrupt(self) -> None:
        self._duck_conn.interrupt()


class Engine(FakeSnow):
    """All databases of the server."""

    def __init__(self, queries: QueryLog) -> None:
        super().__init__()
        self.queries = queries
        self.declarations = Declarations()
        self._lock = threading.Lock()

    def open(self, database: str | None = None, schema: str | None = None) -> Connection:
        """Open a new connection. Create the database or schema if it does not exist."""
        with self._lock:  # two threads that create the same database at once would collide
            return Connection(self, database, schema)
