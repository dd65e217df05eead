"""Snowflake: describe tables, start unloads and report their states, over one session."""

import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

import snowflake.connector
from snowflake.connector.constants import (  # type: ignore[attr-defined]  # meant to be public, not said so
    FIELD_ID_TO_NAME,
    QueryStatus,
)

from shared.adapters.snowflake_session import OpenConnection, Session
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

_LOOK_AGAIN: Final = 0.1
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
        self._session = Session(connect, statement_timeout=statement_timeout, open_connection=open_connection)
        self._submitted: set[str] = set()

    def describe(self, table: str) -> list[TableColumn]:
        text = describe_statement(table).text
        described = self._session.ask(lambda connection: connection.cursor().describe(text), f"Table {table}")
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

        query_id = self._session.ask(start)
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

        query_id = self._session.ask(start)
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
            return self._session.ask(lambda connection: connection.cursor().query_result(query_id).fetchall())
        if state is UnloadState.FAILED:
            raise self.failure(query_id)
        self._abort_if_possible(query_id)
        raise Unavailable("Snowflake", detail=f"query {query_id} has no answer after {seconds:g} s")

    def _abort_if_possible(self, query_id: str) -> None:
        with suppress(BackfillError):
            self.abort(query_id)

    def find(self, tag: str) -> str | None:
        found = self._session.rows(find_statement(self._location_stage, tag))
        return found[0][0] if found else None

    def state(self, query_id: str) -> UnloadState:
        """Return the query's state. A query that changes its state counts as running, because it may still
        write files.
        """
        try:
            status = self._session.ask(lambda connection: connection.get_query_status(query_id))
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

        return self._session.ask(manifest)

    def failure(self, query_id: str) -> BackfillError:
        # Only the result's error has the SQLSTATE. The status has only the error number.
        try:
            self._session.ask(lambda connection: connection.cursor().query_result(query_id))
        except BackfillError as error:
            return error
        return Unavailable("Snowflake", detail=f"query {query_id} has a result and was taken for failed")

    def abort(self, query_id: str) -> None:
        # This SQL function is documented for queries of other sessions; the connector's own call is not.
        self._session.rows(Statement("SELECT SYSTEM$CANCEL_QUERY(%s)", (query_id,)))

    def close(self) -> None:
        """Close the connection. Running unloads continue."""
        self._session.close()

    def _is_known(self, query_id: str) -> bool:
        """Return whether the query exists. A query without a status may be new or unknown."""
        return query_id in self._submitted or bool(
            self._session.rows(known_statement(self._location_stage, query_id))
        )


def _table_column(column: Any) -> TableColumn:
    # The connector reports a DECFLOAT as a number without a scale.
    is_decfloat = column.scale is None and FIELD_ID_TO_NAME[column.type_code] == "FIXED"
    name = "DECFLOAT" if is_decfloat else FIELD_ID_TO_NAME[column.type_code]
    return TableColumn(column.name, name, column.scale or 0, column.precision or 0)


def _staged_file(row: Mapping[str, Any]) -> StagedFile:
    # Names below the attempt's prefix are unique, with or without their path.
    name = str(row["FILE_NAME"]).rsplit("/", maxsplit=1)[-1]
    return StagedFile(name, int(row["FILE_SIZE"]), int(row["ROW_COUNT"]))
