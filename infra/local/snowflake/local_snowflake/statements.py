"""Runs statements in the background, and records each outcome in the record of queries."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakesnow.dialect import parse_one
from fakesnow.statement_type import statement_type_id
from sqlglot import exp

from local_snowflake import administration, names, unload
from local_snowflake.failures import CANCELED, NOT_EXECUTING, failure_of, timed_out
from local_snowflake.queries import Query, QueryLog
from local_snowflake.rowsets import Rowset, of_table, text_result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local_snowflake.controls import Controls
    from local_snowflake.engine import Connection, Engine
    from local_snowflake.sessions import Session
    from local_snowflake.staging import Staging

_AT_ONCE = 32


@dataclass(frozen=True)
class Request:
    """A statement that a client sent."""

    text: str
    request_id: str | None = None
    is_async: bool = False
    describe_only: bool = False
    bindings: Sequence[Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Statements:
    """Runs all statements: those of one session one by one, asynchronous ones in parallel."""

    def __init__(self, engine: Engine, queries: QueryLog, staging: Staging, controls: Controls) -> None:
        self._engine = engine
        self._queries = queries
        self._staging = staging
        self.controls = controls
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="statement")

    def submit(self, session: Session, request: Request) -> Query:
        """Start a statement and return its query at once. A repeated request returns the first query."""
        is_unload = request.text.lstrip()[:4].upper() == "COPY" and not request.describe_only
        query = Query(
            text=request.text,
            tag=session.parameter("QUERY_TAG", request.parameters),
            session_id=session.id,
            request_id=request.request_id,
            is_unload=is_unload,
        )
        if self.controls.has("request ids forgotten"):
            query.request_id = None
        if self.controls.has("tags forgotten"):
            query.tag = ""
        if earlier := self._queries.add(query):
            return earlier
        self._limit(query, session.parameter("STATEMENT_TIMEOUT_IN_SECONDS", request.parameters))
        self._pool.submit(self._run, query, session, request)
        return query

    def _limit(self, query: Query, seconds: str) -> None:
        limit = float(seconds or 0)
        if limit > 0:
            timer = threading.Timer(limit, query.cancel, [timed_out(limit)])
            timer.daemon = True
            query.ended.add_done_callback(lambda _: timer.cancel())
            timer.start()

    def _run(self, query: Query, session: Session, request: Request) -> None:
        try:
            outcome = self._in_turn(query, session, request)
        except Exception as error:  # noqa: BLE001 - every error is the statement's failure
            query.end(failure_of(error))
        else:
            query.end(outcome)

    def _in_turn(self, query: Query, session: Session, request: Request) -> Rowset:
        if session.alter(request.text):
            return text_result("status", "Statement executed successfully.")
        narrow = session.parameter("ENABLE_UNLOAD_PHYSICAL_TYPE_OPTIMIZATION", request.parameters)
        if not request.is_async:
            with session.lock:
                return self._execute(query, session, session.connection, request, narrow=narrow)
        connection = self._engine.open(session.connection.database, session.connection.schema)
        try:
            return self._execute(query, session, connection, request, narrow=narrow)
        finally:
            connection.close()

    def _execute(
        self, query: Query, session: Session, connection: Connection, request: Request, *, narrow: str
    ) -> Rowset:
        if about := administration.answer(request.text, query, session, connection, self.controls):
            return about
        statement = parse_one(request.text)
        query.interrupt = connection.interrupt
        try:
            if query.canceled.is_set():
                raise CANCELED
            if canceled := _query_to_cancel(statement):
                return self._cancel(canceled)
            if unload.is_unload(statement) and not request.describe_only:
                is_narrow = narrow.upper() != "FALSE"
                return unload.unload(
                    statement, query, connection, self._staging, self.controls, narrow=is_narrow
                )
            return _answer(statement, connection, request)
        finally:
            # This query must not interrupt the connection's next statement.
            query.interrupt = None

    def _cancel(self, query_id: str) -> Rowset:
        query = self._queries.get(query_id)
        done = query is not None and not self.controls.has("aborts ignored") and query.cancel()
        text = f"query [{query_id}] terminated." if done else NOT_EXECUTING.message
        return text_result("SYSTEM$CANCEL_QUERY", text)


def _query_to_cancel(statement: exp.Expression) -> str | None:
    """Return the id in SELECT SYSTEM$CANCEL_QUERY('id')."""
    call = statement.find(exp.Anonymous)
    if call is None or call.name.upper() != "SYSTEM$CANCEL_QUERY":
        return None
    return str(call.expressions[0].name)


def _answer(statement: exp.Expression, connection: Connection, request: Request) -> Rowset:
    kind = statement_type_id(statement)
    declared = {}
    if isinstance(statement, exp.Query):
        names.check(statement, request.text, connection)
        declared = connection.declarations.of_query(statement, connection.database, connection.schema)
    if request.describe_only:
        if not isinstance(statement, exp.Query):
            return Rowset([], [], kind)
        sql = connection.cursor().duckdb_sql(statement)
        rows = connection.stream(f"SELECT * FROM ({sql}) LIMIT 0").read_all()
        return of_table(rows, declared, kind)
    table = connection.cursor().answer(request.text, request.bindings)
    return of_table(table, declared, kind)
