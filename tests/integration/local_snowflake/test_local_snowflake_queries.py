"""The local Snowflake's queries: asynchronous, cancelled, tagged, and seen from other sessions."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from snowflake.connector.constants import QueryStatus
from snowflake.connector.errors import ProgrammingError

from infra.local import sample
from tests.integration.local_snowflake.conftest import wait_until

if TYPE_CHECKING:
    from tests.integration.local_snowflake.conftest import LocalSnowflake

pytestmark = pytest.mark.emulator

ROWS = 'SELECT "A" AS "A" FROM "BASE"."ASSETS"."SMALL"'


@pytest.fixture(scope="module", autouse=True)
def small(local_snowflake: "LocalSnowflake") -> None:
    with local_snowflake.connect() as connection:
        connection.cursor().execute("CREATE OR REPLACE TABLE SMALL AS SELECT 1 AS A UNION ALL SELECT 2")


def start(server: "LocalSnowflake", connection: Any) -> tuple[str, str]:
    """Submit an unload; return its query id and its path."""
    prefix = server.prefix()
    return connection.cursor().execute_async(server.copy(ROWS, prefix))["queryId"], prefix


def ended(connection: Any, query_id: str) -> Callable[[], bool]:
    return lambda: not connection.is_still_running(connection.get_query_status(query_id))


def test_another_session_reads_an_asynchronous_querys_status_and_result(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    query_id, prefix = start(local_snowflake, connect())
    other = connect()
    wait_until(ended(other, query_id))
    assert other.get_query_status(query_id) is QueryStatus.SUCCESS
    cursor = other.cursor()
    cursor.get_results_from_sfqid(query_id)
    ((name, _, rows),) = cursor.fetchall()
    assert (local_snowflake.files(prefix), rows) == ([name], 2)


@pytest.mark.usefixtures("slow_unloads")
def test_other_statements_run_beside_unloads(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    connection = connect()
    running = [start(local_snowflake, connection)[0] for _ in range(3)]
    assert connection.cursor().execute("SELECT SUM(A) FROM SMALL").fetchall() == [(3,)]
    assert {connection.get_query_status(query_id) for query_id in running} == {QueryStatus.RUNNING}
    for query_id in running:
        connection.cursor().abort_query(query_id)


@pytest.mark.usefixtures("slow_unloads")
def test_an_abort_from_another_session_ends_a_query_and_leaves_its_files(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    query_id, prefix = start(local_snowflake, connect())
    wait_until(lambda: bool(local_snowflake.files(prefix)))
    other = connect()
    assert other.cursor().abort_query(query_id)
    wait_until(ended(other, query_id))  # a third of what the unload would take
    assert other.is_an_error(other.get_query_status(query_id))
    with pytest.raises(ProgrammingError, match="SQL execution canceled") as cancelled:
        other.get_query_status_throw_if_error(query_id)
    assert cancelled.value.errno == 604
    assert not other.cursor().abort_query(query_id)


@pytest.mark.usefixtures("slow_unloads")
def test_system_cancel_query_ends_a_query(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    query_id, _ = start(local_snowflake, connect())
    other = connect()
    cancel = "SELECT SYSTEM$CANCEL_QUERY(%s)"
    assert other.cursor().execute(cancel, (query_id,)).fetchall() == [(f"query [{query_id}] terminated.",)]
    wait_until(ended(other, query_id))  # a third of what the unload would take
    again = other.cursor().execute(cancel, (query_id,)).fetchall()
    assert again == [("Identified SQL statement is not currently executing.",)]


def test_a_query_that_computes_is_cancelled_as_well(connect: Callable[..., Any]) -> None:
    connection = connect()
    numbers = "(SELECT SEQ8() AS N FROM TABLE(GENERATOR(ROWCOUNT => 200000)))"
    endless = f"SELECT COUNT(*) FROM {numbers} A, {numbers} B WHERE SIN(A.N) + SIN(B.N) = 7"
    query_id = connection.cursor().execute_async(endless)["queryId"]
    assert connection.get_query_status(query_id) is QueryStatus.RUNNING
    assert connection.cursor().abort_query(query_id)
    wait_until(ended(connection, query_id))  # left alone, it would take hours


@pytest.mark.usefixtures("slow_unloads")
def test_a_statement_is_stopped_at_its_sessions_timeout(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    connection = connect(session_parameters={"STATEMENT_TIMEOUT_IN_SECONDS": 1})
    with pytest.raises(ProgrammingError, match="timeout of 1 second") as stopped:
        local_snowflake.unload(connection.cursor(), ROWS)
    assert stopped.value.errno == 630


def test_a_failed_asynchronous_query_tells_why(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    connection = connect()
    broken = local_snowflake.copy('SELECT "B" AS "B" FROM "BASE"."ASSETS"."SMALL"', local_snowflake.prefix())
    query_id = connection.cursor().execute_async(broken)["queryId"]
    wait_until(ended(connection, query_id))
    assert connection.get_query_status(query_id) is QueryStatus.FAILED_WITH_ERROR
    with pytest.raises(ProgrammingError, match="invalid identifier 'B'") as refusal:
        connection.cursor().get_results_from_sfqid(query_id)
    assert refusal.value.errno == 904


def test_an_unknown_query_has_no_data(connect: Callable[..., Any]) -> None:
    assert connect().get_query_status(str(uuid.uuid4())) is QueryStatus.NO_DATA


def test_queries_are_found_by_their_tag(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any]
) -> None:
    tag = f"backfill:{uuid.uuid4()}"
    parameters = {"QUERY_TAG": tag, "ABORT_DETACHED_QUERY": False, "TIMEZONE": "UTC"}
    tagged = connect(session_parameters=parameters)
    query_ids = [start(local_snowflake, tagged)[0] for _ in range(2)]
    tagged.cursor().execute("ALTER SESSION SET QUERY_TAG = 'something else'")
    other = connect()
    for query_id in query_ids:
        wait_until(ended(other, query_id))
    history = (
        "SELECT QUERY_ID, EXECUTION_STATUS "
        'FROM TABLE("BASE".INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 10000)) '
        "WHERE QUERY_TAG = %s AND QUERY_TEXT LIKE 'COPY INTO%%' ORDER BY START_TIME"
    )
    found = other.cursor().execute(history, (tag,)).fetchall()
    assert found == [(query_id, "SUCCESS") for query_id in query_ids]
    listed = [
        (unload["id"], unload["status"]) for unload in local_snowflake.unloads() if unload["tag"] == tag
    ]
    assert listed == found


def test_a_statement_sent_twice_with_one_request_id_runs_once(local_snowflake: "LocalSnowflake") -> None:
    token, request_id = local_snowflake.log_in(), str(uuid.uuid4())
    text = local_snowflake.copy(ROWS, local_snowflake.prefix())
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: local_snowflake.send(token, request_id, text), range(2)))
    assert [answer["success"] for answer in answers] == [True, True]
    assert answers[0]["data"]["queryId"] == answers[1]["data"]["queryId"]
    assert answers[0]["data"]["rowset"] == answers[1]["data"]["rowset"]
    assert sum(unload["text"] == text for unload in local_snowflake.unloads()) == 1


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_files_rows_are_loaded_by_column_name(
    local_snowflake: "LocalSnowflake", connect: Callable[..., Any], tmp_path: Path, suffix: str
) -> None:
    table = f"BASE.ASSETS.LOADED_{suffix.upper()}"
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        path.write_text(
            "unique_id,chain,block_timestamp,raw_amount_str,log_index,raw_amount\n"
            'a,gnosis,2026-03-01T00:00:00.5,"",7,1e30\nb,base,,123,,\n'
        )
    else:
        sample.write(path, 1_000, seed=7)
    rows = sample.load(local_snowflake.url, path, table)
    cursor = connect().cursor()
    columns = '"UNIQUE_ID", TO_VARCHAR("BLOCK_TIMESTAMP", \'HH24:MI:SS.FF3\'), "RAW_AMOUNT_STR", "LOG_INDEX"'
    found = cursor.execute(f'SELECT {columns}, "RAW_AMOUNT", "TOKEN_NAME" FROM {table} ORDER BY 1').fetchall()
    assert len(found) == rows
    if suffix == "csv":
        assert found == [("a", "00:00:00.500", "", 7, 1e30, None), ("b", None, "123", None, None, None)]
    else:
        assert rows == 1_000
    assert [column.name for column in cursor.describe(f"SELECT * FROM {table}")] == list(sample.COLUMNS)
