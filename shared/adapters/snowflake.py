"""Snowflake: describes tables, starts unloads and answers how they are, over one session.

The connector's own log is kept to warnings: below that it writes what it sends and gets.
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
# In seconds: a Snowflake that does not answer is noticed before a function's deadline. The operator's
# own arguments win.
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
# What the unload's SQL takes for granted, whatever the account's defaults are.
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
    """Fulfils ``Unloads`` and ``Questions``. Threads may share one: the session is shared, no cursor is.

    ``connect`` is what the connector's ``connect()`` takes, ``location_stage`` the external stage as
    ``DATABASE.SCHEMA.STAGE``, ``statement_timeout`` how many seconds an unload may run.
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
            # The end of this session, or of this process, must not be the end of a running unload.
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
        """Start the statement. Connector 5 makes request ids of its own and takes none: the tag finds a query
        whose id was lost, also while it runs.
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
        """The rows of a statement that runs for so long at most: by its own timeout, should nobody be left
        to abort it.
        """
        until = time.monotonic() + seconds
        # A second more than we wait: it is the warehouse's, in case we die.
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
        """How the query is; what is on its way to another state still runs, for it may still write files."""
        try:
            status = self._ask(lambda connection: connection.get_query_status(query_id))
        except ValueError:
            # The connector's word for an id that can be none.
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
        # Asking for the result is how to hear the SQLSTATE as well; the status has only the number.
        try:
            self._ask(lambda connection: connection.cursor().query_result(query_id))
        except BackfillError as error:
            return error
        return Unavailable("Snowflake", detail=f"query {query_id} has a result and was taken for failed")

    def abort(self, query_id: str) -> None:
        # The function, unlike the connector's own call, is documented for queries of other sessions.
        self._rows(Statement("SELECT SYSTEM$CANCEL_QUERY(%s)", (query_id,)))

    def close(self) -> None:
        """Let go of the connection; running unloads go on."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _is_known(self, query_id: str) -> bool:
        """A query has no status right after its start, nor has one that never was."""
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
        """Ask over the session, and over a new one if it turns out to be gone."""
        connection = None
        try:
            connection = self._connected()
            return question(connection)
        except Error as error:
            if connection is None or not is_session_gone(error):
                # Without its cause: a traceback would carry the connector's text into the log.
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
    # The connector calls a DECFLOAT a number too, but one without a scale.
    is_decfloat = column.scale is None and FIELD_ID_TO_NAME[column.type_code] == "FIXED"
    name = "DECFLOAT" if is_decfloat else FIELD_ID_TO_NAME[column.type_code]
    return TableColumn(column.name, name, column.scale or 0)


def _staged_file(row: Mapping[str, Any]) -> StagedFile:
    # Within the attempt's prefix names are unique, with or without the path before them.
    name = str(row["FILE_NAME"]).rsplit("/", maxsplit=1)[-1]
    return StagedFile(name, int(row["FILE_SIZE"]), int(row["ROW_COUNT"]))
