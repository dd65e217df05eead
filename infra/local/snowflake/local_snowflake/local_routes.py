"""Routes that Snowflake lacks: fill a table fast; delay, fail or corrupt unloads; list completed unloads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_snowflake.failures import Failure

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_snowflake.controls import Controls
    from local_snowflake.engine import Connection, Engine
    from local_snowflake.queries import Query, QueryLog

_COLUMNS = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index
"""


@dataclass
class LocalRoutes:
    """The routes that the local stack and the tests call."""

    engine: Engine
    queries: QueryLog
    controls: Controls

    def routes(self) -> list[Route]:
        return [
            Route("/local/statements", self._statements, methods=["POST"]),
            Route("/local/load", self._load, methods=["POST"]),
            Route("/local/queries", self._unloads),
            Route("/local/unload-delay", self._unload_delay, methods=["POST"]),
            Route("/local/unload-failure", self._unload_failure, methods=["POST"]),
            Route("/local/faults", self._faults, methods=["POST"]),
        ]

    async def _statements(self, request: Request) -> JSONResponse:
        """``{"statements": [...]}``: run SQL statements in order, without a login. Returns no rows."""
        body = await request.json()
        try:
            await asyncio.to_thread(self._run_all, body["statements"])
        except Exception as error:  # noqa: BLE001 - an error of fakesnow, sqlglot or DuckDB: return it
            return _refusal(error)
        return JSONResponse({"statements": len(body["statements"])})

    def _run_all(self, statements: list[str]) -> None:
        connection = self.engine.open()
        try:
            for text in statements:
                connection.cursor().answer(text, None)
        finally:
            connection.close()

    async def _load(self, request: Request) -> JSONResponse:
        """``{"path", "table"}``: append a Parquet or CSV file's rows to DATABASE.SCHEMA.TABLE."""
        body = await request.json()
        try:
            rows = await asyncio.to_thread(self._append, body["path"], body["table"])
        except (duckdb.Error, ValueError) as error:
            return _refusal(error)
        return JSONResponse({"rows": rows})

    def _append(self, path: str, table: str) -> int:
        connection = self.engine.open()
        try:
            return _load_file(connection, path, table)
        finally:
            connection.close()

    async def _unloads(self, _: Request) -> JSONResponse:
        """Return every COPY INTO that ran, oldest first."""
        return JSONResponse([_shown(query) for query in self.queries.all() if query.is_unload])

    async def _unload_delay(self, request: Request) -> JSONResponse:
        """``{"seconds"}``: the delay of each unload from now on."""
        self.controls.unload_seconds = float((await request.json())["seconds"])
        return JSONResponse({"seconds": self.controls.unload_seconds})

    async def _unload_failure(self, request: Request) -> JSONResponse:
        """``{"errno", "sqlstate", "message", "times": 1}``: how the next unloads fail."""
        body = await request.json()
        failure = Failure(int(body["errno"]), body["sqlstate"], body["message"])
        self.controls.fail_next(failure, int(body.get("times", 1)))
        return JSONResponse(body)

    async def _faults(self, request: Request) -> JSONResponse:
        """``{"faults": [...]}``: all injected faults from now on."""
        self.controls.faults = frozenset((await request.json())["faults"])
        return JSONResponse({"faults": sorted(self.controls.faults)})


def _refusal(error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=422)


def _load_file(connection: Connection, path: str, table: str) -> int:
    """Append rows by column name without regard to case. Drop unknown columns; missing ones are NULL."""
    parts = [part.upper() for part in table.split(".")]
    columns = connection.fetch(_COLUMNS, parts)
    if not columns:
        raise ValueError(f"no table {table}")
    # Read as text: DuckDB would take a hash of only digits for a number. An empty field is NULL, "" is not.
    is_csv = path.lower().endswith(".csv")
    options = ", all_varchar = true, header = true, allow_quoted_nulls = false" if is_csv else ""
    reader = f"read_{'csv' if options else 'parquet'}($path{options})"
    arguments = {"path": path}
    present = [row[0] for row in connection.fetch(f"DESCRIBE SELECT * FROM {reader}", arguments)]
    by_name = {name.upper(): name for name in present}
    chosen = [(name, by_name[name], kind) for name, kind in columns if name in by_name]
    values = ", ".join(f'CAST("{source}" AS {kind})' for _, source, kind in chosen)
    names = ", ".join(f'"{name}"' for name, _, _ in chosen)
    target = ".".join(f'"{part}"' for part in parts)
    sql = f"INSERT INTO {target} ({names}) SELECT {values} FROM {reader}"
    return int(connection.fetch(sql, arguments)[0][0])


def _shown(query: Query) -> dict[str, Any]:
    failure = query.failure
    return {
        "id": query.id,
        "tag": query.tag,
        "text": query.text,
        "status": query.status.value,
        "started": query.start_time.isoformat(),
        "ended": query.end_time.isoformat() if query.end_time else None,
        "error": failure and {"errno": failure.errno, "message": failure.message},
    }
