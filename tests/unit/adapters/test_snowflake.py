"""The adapter with a scripted connector: sessions that end, states that only Snowflake itself has."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from snowflake.connector.constants import QueryStatus
from snowflake.connector.cursor import ResultMetadata
from snowflake.connector.errors import DatabaseError, ProgrammingError

from shared.adapters.snowflake import SnowflakeUnloads
from shared.domain.errors import Unavailable, UnloadRefused
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement, TableColumn

QUERY_ID = "0195c3a7-6a44-4e3b-9d20-8d6f0a5a1c11"
SESSION_GONE = ProgrammingError(msg="User must login again", errno=390104)


@dataclass
class Script:
    """The connector's answers, and its requests. ``errors`` come before any answer."""

    status: QueryStatus = QueryStatus.SUCCESS
    columns: list[ResultMetadata] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    query_id: str | None = QUERY_ID
    errors: list[Exception] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    statement_parameters: dict[str, Any] = field(default_factory=dict)
    closed: int = 0

    def connect(self, **arguments: Any) -> "Script":
        self.opened.append(arguments)
        return self

    def cursor(self) -> "Script":
        return self

    @property
    def description(self) -> list[ResultMetadata]:
        return self.columns

    def get_query_status(self, _query_id: str) -> QueryStatus:
        self._fail()
        return self.status

    def describe(self, text: str) -> list[ResultMetadata]:
        self._fail()
        self.statements.append(text)
        return self.columns

    def execute(self, text: str, _values: Any) -> "Script":
        self._fail()
        self.statements.append(text)
        return self

    def execute_async(self, text: str, _values: Any, *, _statement_params: dict[str, Any]) -> dict[str, Any]:
        self._fail()
        self.statements.append(text)
        self.statement_parameters = _statement_params
        return {"queryId": self.query_id}

    def query_result(self, _query_id: str) -> "Script":
        self._fail()
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows

    def close(self) -> None:
        self.closed += 1

    def _fail(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


def unloads(script: Script, **connect: Any) -> SnowflakeUnloads:
    return SnowflakeUnloads(
        {"account": "acme", **connect},
        location_stage="BASE.ASSETS.STAGED",
        statement_timeout=14400.0,
        open_connection=script.connect,
    )


def column(name: str, type_code: int, scale: int | None, precision: int | None = None) -> ResultMetadata:
    return ResultMetadata(name, type_code, None, None, precision, scale, is_nullable=True)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (QueryStatus.SUCCESS, UnloadState.SUCCEEDED),
        (QueryStatus.FAILED_WITH_ERROR, UnloadState.FAILED),
        (QueryStatus.FAILED_WITH_INCIDENT, UnloadState.FAILED),
        (QueryStatus.ABORTED, UnloadState.FAILED),
        (QueryStatus.RUNNING, UnloadState.RUNNING),
        (QueryStatus.QUEUED, UnloadState.RUNNING),
        (QueryStatus.BLOCKED, UnloadState.RUNNING),
        (QueryStatus.RESUMING_WAREHOUSE, UnloadState.RUNNING),
        (QueryStatus.QUEUED_REPARING_WAREHOUSE, UnloadState.RUNNING),
        (QueryStatus.RESTARTED, UnloadState.RUNNING),
        (QueryStatus.ABORTING, UnloadState.RUNNING),
        (QueryStatus.DISCONNECTED, UnloadState.RUNNING),
    ],
)
def test_a_query_runs_until_it_can_write_no_more(status: QueryStatus, state: UnloadState) -> None:
    assert unloads(Script(status=status)).state(QUERY_ID) is state


def test_a_query_just_submitted_runs_though_snowflake_has_no_word_of_it_yet() -> None:
    adapter = unloads(Script(status=QueryStatus.NO_DATA))
    query_id = adapter.submit(Statement("COPY INTO …"), "tag")
    assert adapter.state(query_id) is UnloadState.RUNNING


def test_a_query_in_the_history_runs_though_its_status_is_not_there() -> None:
    adapter = unloads(Script(status=QueryStatus.NO_DATA, rows=[(QUERY_ID,)]))
    assert adapter.state(QUERY_ID) is UnloadState.RUNNING


def test_an_id_that_the_connector_takes_for_none_is_unknown() -> None:
    assert unloads(Script(errors=[ValueError("Invalid UUID")])).state("nonsense") is UnloadState.UNKNOWN


def test_a_query_in_no_record_is_unknown() -> None:
    assert unloads(Script(status=QueryStatus.NO_DATA)).state(QUERY_ID) is UnloadState.UNKNOWN


def test_the_unload_carries_its_tag_and_nothing_else_of_the_session_does() -> None:
    script = Script()
    unloads(script).submit(Statement("COPY INTO …"), "tag")
    assert script.statement_parameters == {"QUERY_TAG": "tag"}
    assert "QUERY_TAG" not in script.opened[0]["session_parameters"]


def test_a_submission_without_an_answer_is_tried_again() -> None:
    with pytest.raises(Unavailable):
        unloads(Script(query_id=None)).submit(Statement("COPY INTO …"), "tag")


def test_one_session_serves_all_questions() -> None:
    script = Script()
    adapter = unloads(script)
    adapter.state(QUERY_ID)
    adapter.find("tag")
    assert len(script.opened) == 1


ASK: list[Callable[[SnowflakeUnloads], object]] = [
    lambda adapter: adapter.describe("base.assets.t"),
    lambda adapter: adapter.submit(Statement("COPY INTO …"), "tag"),
    lambda adapter: adapter.find("tag"),
    lambda adapter: adapter.state(QUERY_ID),
    lambda adapter: adapter.files(QUERY_ID),
    lambda adapter: adapter.abort(QUERY_ID),
]


@pytest.mark.parametrize("ask", ASK)
def test_a_session_that_is_gone_is_opened_anew(ask: Callable[[SnowflakeUnloads], object]) -> None:
    script = Script(errors=[SESSION_GONE])
    ask(unloads(script))
    assert len(script.opened) == 2


def test_sessions_that_keep_going_are_not_chased() -> None:
    script = Script(errors=[SESSION_GONE, SESSION_GONE])
    with pytest.raises(Unavailable):
        unloads(script).state(QUERY_ID)
    assert len(script.opened) == 2


def test_a_session_that_another_thread_has_opened_since_is_kept() -> None:
    connections: list[Script] = []

    class Stale(Script):
        def get_query_status(self, _query_id: str) -> QueryStatus:
            adapter.close()
            adapter.find("tag")
            raise SESSION_GONE

    def connect(**_: Any) -> Script:
        connections.append(Script() if connections else Stale())
        return connections[-1]

    adapter = SnowflakeUnloads({}, location_stage="A.B.C", statement_timeout=1, open_connection=connect)
    assert adapter.state(QUERY_ID) is UnloadState.SUCCEEDED
    assert len(connections) == 2


def test_a_snowflake_that_lets_nobody_in_is_unavailable() -> None:
    def refuse(**_: Any) -> Any:
        raise DatabaseError(msg="Failed to login", errno=250001, sqlstate="08001")

    adapter = SnowflakeUnloads({}, location_stage="A.B.C", statement_timeout=1, open_connection=refuse)
    with pytest.raises(Unavailable):
        adapter.describe("base.assets.t")


def test_an_error_is_raised_without_the_connectors_text_behind_it() -> None:
    script = Script(errors=[ProgrammingError(msg="Numeric value 'abc'", errno=100038, sqlstate="22018")])
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever it is
        unloads(script).find("tag")
    assert raised.value.__suppress_context__


def test_the_reason_of_a_failure_is_heard_by_asking_for_the_result() -> None:
    script = Script(errors=[ProgrammingError(msg="Insufficient privileges", errno=3001, sqlstate="42501")])
    assert isinstance(unloads(script).failure(QUERY_ID), UnloadRefused)


def test_a_failed_query_that_has_a_result_after_all_is_tried_again() -> None:
    assert isinstance(unloads(Script()).failure(QUERY_ID), Unavailable)


def test_a_manifest_may_name_its_files_with_their_path() -> None:
    columns = [column("FILE_NAME", 2, None), column("FILE_SIZE", 0, 0), column("ROW_COUNT", 0, 0)]
    script = Script(columns=columns, rows=[("acme/job/attempt/data_1.parquet", 7, 3)])
    [file] = unloads(script).files(QUERY_ID)
    assert (file.name, file.size, file.rows) == ("data_1.parquet", 7, 3)


def test_a_number_without_a_scale_is_a_decimal_float() -> None:
    script = Script(columns=[column("A", 0, None), column("B", 0, 2, 10), column("C", 16, None)])
    assert unloads(script).describe("base.assets.t") == [
        TableColumn("A", "DECFLOAT", 0),
        TableColumn("B", "FIXED", 2, 10),
        TableColumn("C", "VECTOR", 0),
    ]


def test_the_operators_arguments_win_over_the_limits_but_not_over_what_the_sql_needs() -> None:
    script = Script()
    adapter = unloads(script, login_timeout=1, session_parameters={"TIMEZONE": "Asia/Tokyo", "WEEK_START": 1})
    adapter.find("tag")
    arguments = script.opened[0]
    assert (arguments["account"], arguments["login_timeout"], arguments["query_timeout"]) == ("acme", 1, 30)
    assert arguments["session_parameters"] == {
        "ABORT_DETACHED_QUERY": False,
        "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
        "STATEMENT_TIMEOUT_IN_SECONDS": 14400,
        "TIMESTAMP_INPUT_FORMAT": "AUTO",
        "TIMEZONE": "UTC",
        "WEEK_START": 1,
    }


def test_closing_leaves_unloads_running_and_may_be_repeated() -> None:
    script = Script()
    adapter = unloads(script)
    adapter.find("tag")
    adapter.close()
    adapter.close()
    assert script.closed == 1
    assert script.opened[0]["server_session_keep_alive"]


def test_the_connectors_log_is_kept_to_warnings() -> None:
    unloads(Script())
    assert logging.getLogger("snowflake.connector").getEffectiveLevel() == logging.WARNING
