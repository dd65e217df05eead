"""Snowflake: describe tables, start unloads and report their states, over one session.

The connector's logger is limited to warnings, because it logs requests and answers at lower levels.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, TypeVar

import snowflake.connector
from snowflake.connector.constants import (  # type: ignore[attr-defined]  # meant to be public, not said so
    FIELD_ID_TO_NAME,
    QueryStatus,
)
from snowflake.connector.errors import Error

from shared.adapters.snowflake_errors import is_session_gone, meaning
from shared.domain.chunks import StagedFile
from shared.domain.errors import BackfillError, Unavailable
from shared.steps.ports import UnloadState
from shared.unload.statements import (
    Statement,
    TableColumn,
    describe_statement,
    find_statement,
    known_statement,
)

Answer = TypeVar("Answer")
OpenConnection = Callable[..., Any]

_LOOK_AGAIN: Final = 0.1
# Seconds. The function notices an unavailable Snowflake before its own deadline. The operator's own arguments
# take precedence.
_LIMITS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "connect_timeout": 5,
        "login_timeout": 15,
        "request_timeout": 15,
        "retry_timeout": 15,
        "query_timeout": 30,
        "retry_max_attempts": 3,
    }
)
# The unload's SQL relies on these settings, whatever the account's defaults are.
_SESSION: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "ABORT_DETACHED_QUERY": False,
        "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
        "TIMESTAMP_INPUT_FORMAT": "AUTO",
        "TIMEZONE": "UTC",
    }
)
_STATES: Final[Mapping[QueryStatus, UnloadState]] = MappingProxyType(
    {
        QueryStatus.SUCCESS: UnloadState.SUCCEEDED,
        QueryStatus.FAILED_WITH_ERROR: UnloadState.FAILED,
        QueryStatus.FAILED_WITH_INCIDENT: UnloadState.FAILED,
        QueryStatus.ABORTED: UnloadState.FAILED,
    }
)


class SnowflakeUnloads:
    """Implements ``Unloads`` and ``Questions``. Threads may share one: they share the session, but no cursor.

    ``connect`` holds the arguments of the connector's ``connect()``. ``location_stage`` is the external stage
    as ``DATABASE.SCHEMA.STAGE``. ``statement_timeout`` is the time limit of an unload in seconds.
    """

    def __init__(
        self,
        connect: Mapping[str, Any],
        *,
        location_stage: str,
        statement_timeout: float,
        open_connection: OpenConnection = snowflake.connector.connect,
    ) -> None:
        self._location_stage = location_stage
        self._open_connection = open_connection
        self._arguments = {
            **_LIMITS,
            **connect,
            "session_parameters": {
                **connect.get("session_parameters", {}),
                **_SESSION,
                "STATEMENT_TIMEOUT_IN_SECONDS": int(statement_timeout),
            },
            # The end of this session or of this process must not abort a running unload.
            "server_session_keep_alive": True,
            "enable_server_session_keep_alive_auto_detection": True,
            "auto_cleanup": False,
        }
        self._lock = threading.Lock()
        self._connection: Any = None
        self._submitted: set[str] = set()
        logging.getLogger("snowflake.connector").setLevel(logging.WARNING)

    def describe(self, table: str) -> list[TableColumn]:
        text = describe_statement(table).text
        described = self._ask(lambda connection: connection.cursor().describe(text), f"Table {table}")
        return [_table_column(column) for column in described]

    def submit(self, statement: Statement, tag: str) -> str:
        """Start the statement. Connector 5 accepts no request ids from its caller, so the query tag is what
        finds a query whose id was lost, also while it runs.
        """
        parameters = {"QUERY_TAG": tag}

        def start(connection: Any) -> str | None:
            answer = connection.cursor().execute_async(
                statement.text, statement.values, _statement_params=parameters
            )
            query_id: str | None = answer["queryId"]
            return query_id

        query_id = self._ask(start)
        if query_id is None:
            raise Unavailable("Snowflake", detail="an unload was submitted and no query id answered")
        self._submitted.add(query_id)
        return query_id

    def ask(self, statement: Statement, tag: str, seconds: float) -> list[tuple[Any, ...]]:
        """Return the rows of a statement with a time limit. The statement also has its own timeout in
        Snowflake, in case this process crashes before it aborts the statement.
        """
        until = time.monotonic() + seconds
        # One second longer than our own limit: the warehouse applies it if this process crashes.
        parameters = {"QUERY_TAG": tag, "STATEMENT_TIMEOUT_IN_SECONDS": max(1, int(seconds) + 1)}

        def start(connection: Any) -> str:
            answer = connection.cursor().execute_async(
                statement.text, statement.values, _statement_params=parameters
            )
            return str(answer["queryId"])

        query_id = self._ask(start)
        self._submitted.add(query_id)
        try:
            while (state := self.state(query_id)) is UnloadState.RUNNING and time.monotonic() < until:
                time.sleep(_LOOK_AGAIN)
        except BaseException:
            self._abort_if_possible(query_id)
            raise
        finally:
            self._submitted.discard(query_id)
        if state is UnloadState.SUCCEEDED:
            return self._ask(lambda connection: connection.cursor().query_result(query_id).fetchall())
        if state is UnloadState.FAILED:
            raise self.failure(query_id)
        self._abort_if_possible(query_id)
        raise Unavailable("Snowflake", detail=f"query {query_id} has no answer after {seconds:g} s")

    def _abort_if_possible(self, query_id: str) -> None:
        with suppress(BackfillError):
            self.abort(query_id)

    def find(self, tag: str) -> str | None:
        found = self._rows(find_statement(self._location_stage, tag))
        return found[0][0] if found else None

    def state(self, query_id: str) -> UnloadState:
        """Return the query's state. A query that changes its state counts as running, because it may still
        write files.
        """
        try:
            status = self._ask(lambda connection: connection.get_query_status(query_id))
        except ValueError:
            # The connector raises this for a malformed id.
            return UnloadState.UNKNOWN
        if status is QueryStatus.NO_DATA and not self._is_known(query_id):
            return UnloadState.UNKNOWN
        return _STATES.get(status, UnloadState.RUNNING)

    def files(self, query_id: str) -> list[StagedFile]:
        def manifest(connection: Any) -> list[StagedFile]:
            cursor = connection.cursor().query_result(query_id)
            columns = [column.name for column in cursor.description]
            rows = (dict(zip(columns, row, strict=True)) for row in cursor.fetchall())
            return [_staged_file(row) for row in rows]

        return self._ask(manifest)

    def failure(self, query_id: str) -> BackfillError:
        # Only the result's error has the SQLSTATE. The status has only the error number.
        try:
            self._ask(lambda connection: connection.cursor().query_result(query_id))
        except BackfillError as error:
            return error
        return Unavailable("Snowflake", detail=f"query {query_id} has a result and was taken for failed")

    def abort(self, query_id: str) -> None:
        # This SQL function is documented for queries of other sessions; the connector's own call is not.
        self._rows(Statement("SELECT SYSTEM$CANCEL_QUERY(%s)", (query_id,)))

    def close(self) -> None:
        """Close the connection. Running unloads continue."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _is_known(self, query_id: str) -> bool:
        """Return whether the query exists. A query without a status may be new or unknown."""
        return query_id in self._submitted or bool(
            self._rows(known_statement(self._location_stage, query_id))
        )

    def _rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        def rows(connection: Any) -> list[tuple[Any, ...]]:
            found: list[tuple[Any, ...]] = (
                connection.cursor().execute(statement.text, statement.values).fetchall()
            )
            return found

        return self._ask(rows)

    def _ask(self, question: Callable[[Any], Answer], subject: str = "The table") -> Answer:
        """Run the question in the session, or in a new session if the old one is gone."""
        connection = None
        try:
            connection = self._connected()
            return question(connection)
        except Error as error:
            if connection is None or not is_session_gone(error):
                # Omit the cause: a traceback would write the connector's text to the log.
                raise meaning(error, subject) from None
        self._forget(connection)
        try:
            return question(self._connected())
        except Error as error:
            raise meaning(error, subject) from None

    def _connected(self) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = self._open_connection(**self._arguments)
            return self._connection

    def _forget(self, connection: Any) -> None:
        with self._lock:
            if self._connection is connection:
                self._connection = None


def _table_column(column: Any) -> TableColumn:
    # The connector reports a DECFLOAT as a number without a scale.
    is_decfloat = column.scale is None and FIELD_ID_TO_NAME[column.type_code] == "FIXED"
    name = "DECFLOAT" if is_decfloat else FIELD_ID_TO_NAME[column.type_code]
    return TableColumn(column.name, name, column.scale or 0, column.precision or 0)


def _staged_file(row: Mapping[str, Any]) -> StagedFile:
    # Names below the attempt's prefix are unique, with or without their path.
    name = str(row["FILE_NAME"]).rsplit("/", maxsplit=1)[-1]
    return StagedFile(name, int(row["FILE_SIZE"]), int(row["ROW_COUNT"]))
