"""The unload, sent by the real connector and run by the local Snowflake, down to the staged rows."""

import io
import json
import logging
import socket
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import snowflake.connector

from shared.adapters.snowflake import SnowflakeUnloads
from shared.domain.errors import Unavailable, UnloadRefused
from shared.domain.jobs import Attempt, FilterValue, Job, Window
from shared.encoding import ParquetRows
from shared.steps.ports import UnloadState
from shared.unload.statements import selected, unload_statement
from tests.contract.unload_worlds import LocalSnowflake
from tests.contract.unload_worlds import snowflake as snowflake_fixture
from tests.integration.unload_examples import MESSAGES, STATEMENTS

pytestmark = pytest.mark.emulator

MARCH: Final = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00")
HOSTILE: Final = [
    "') OR 1=1 --",
    "\\') /*",
    "%s %% %(name)s",
    'a "quoted" name',
    "line\r\nbreak\ttab",
    "back\\slash\\n",
    "$$ :1 ? @stage",
    "🦄 ünïcödé",
    "\x01\x7f",
]

server = snowflake_fixture


@pytest.fixture(scope="module")
def typed(server: LocalSnowflake) -> str:
    """Create a table of every type."""
    server.run(*STATEMENTS)
    return "base.assets.typed"


@pytest.fixture
def unloads(server: LocalSnowflake) -> Iterator[SnowflakeUnloads]:
    adapter = server.unloads()
    yield adapter
    adapter.close()
    server.ask("unload-delay", {"seconds": 0})


def job(table: str, window: Window = MARCH, filter_column: str | None = None) -> Job:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return Job(
        organization_id="acme",
        job_id=str(uuid.uuid4()),
        job_name="integration",
        table=table,
        window=window,
        destinations=(),
        static_egress_ip=False,
        time_created=now,
        webhook_batch_rows=500,
        filter_column=filter_column,
        attempt=Attempt(str(uuid.uuid4()), now),
    )


def submit(
    server: LocalSnowflake, unloads: SnowflakeUnloads, of: Job, values: list[FilterValue] | None = None
) -> str:
    columns = unloads.describe(of.table)
    statement = unload_statement(
        job=of,
        filter_values=values or [],
        table_columns=columns,
        selection=selected(columns, of.chosen, ()),
        location_stage=server.location_stage,
        max_file_bytes=1 << 24,
    )
    return unloads.submit(statement, of.query_tag)


def end(unloads: SnowflakeUnloads, query_id: str) -> UnloadState:
    deadline = time.monotonic() + 60
    while (state := unloads.state(query_id)) is UnloadState.RUNNING:
        assert time.monotonic() < deadline, "the query runs on"
        time.sleep(0.02)
    return state


def messages(
    server: LocalSnowflake, unloads: SnowflakeUnloads, of: Job, values: list[FilterValue] | None = None
) -> list[Any]:
    """Return the rows of the job's slice as a destination gets them."""
    query_id = submit(server, unloads, of, values)
    assert end(unloads, query_id) is UnloadState.SUCCEEDED, unloads.failure(query_id)
    columns = [one.column for one in selected(unloads.describe(of.table), of.chosen, ())]
    rows = []
    for file in unloads.files(query_id):
        path = urllib.parse.quote(of.attempt_prefix + file.name, safe="")
        url = f"{server.gcs_url}/storage/v1/b/{server.bucket}/o/{path}?alt=media"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - loopback
            data = answer.read()
        assert len(data) == file.size
        parquet = ParquetRows(io.BytesIO(data), columns, None, file.name, expected_rows=file.rows)
        rows += [json.loads(line) for batch in parquet.batches(100) for line in batch.lines()]
    return sorted(rows, key=lambda row: str(row["block_timestamp"]))


def test_every_type_arrives_as_the_contract_says(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    rows = messages(server, unloads, job(typed))
    assert rows == MESSAGES
    assert [list(row) for row in rows] == [list(MESSAGES[0])] * 3


@pytest.mark.parametrize(
    "column",
    [
        "block_timestamp",
        "id",
        "price",
        "ratio",
        "name",
        "is_mint",
        "mint_date",
        "clock",
        "local_time",
        "zoned_time",
        "hash",
    ],
)
def test_a_filter_finds_a_row_by_what_its_message_has(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str, column: str
) -> None:
    rows = messages(server, unloads, job(typed, filter_column=column), [MESSAGES[0][column]])
    assert rows == MESSAGES[:1]


@pytest.mark.parametrize("column", ["local_time", "zoned_time"])
def test_a_window_over_a_column_with_a_time_zone_is_of_instants(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str, column: str
) -> None:
    first_of_march = Window(column, "2026-03-01T00:00:00", "2026-03-02T00:00:00")
    assert messages(server, unloads, job(typed, first_of_march)) == MESSAGES[:1]


def test_hostile_values_find_what_they_name_and_nothing_else(
    server: LocalSnowflake, unloads: SnowflakeUnloads
) -> None:
    server.run("CREATE OR REPLACE TABLE BASE.ASSETS.HOSTILE (BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), NAME VARCHAR)")
    connection = snowflake.connector.connect(
        **server.connect, auto_cleanup=False, enable_server_session_keep_alive_auto_detection=True
    )
    insert = "INSERT INTO BASE.ASSETS.HOSTILE SELECT '2026-03-01'::TIMESTAMP_NTZ(9), %s"
    for name in [*HOSTILE, "innocent"]:
        connection.cursor().execute(insert, (name,))
    connection.close()
    for name in HOSTILE:
        found = messages(server, unloads, job("base.assets.hostile", filter_column="name"), [name])
        assert [row["name"] for row in found] == [name]
    everything: list[FilterValue] = [*HOSTILE, "nobody"]
    found = messages(server, unloads, job("base.assets.hostile", filter_column="name"), everything)
    assert sorted(row["name"] for row in found) == sorted(HOSTILE)


def test_16384_long_values_fit_into_a_statement(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    hashes: list[FilterValue] = [f"0x{number:064x}" for number in range(16_383)]
    found = messages(server, unloads, job(typed, filter_column="name"), [*hashes, "plain"])
    assert found == MESSAGES[:1]


def test_an_unload_is_one_query_with_its_tag(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    of = job(typed)
    query_id = submit(server, unloads, of)
    end(unloads, query_id)
    ran = [query["id"] for query in server.ask("queries") if query["tag"] == of.query_tag]
    assert ran == [query_id]


def test_threads_share_an_adapter(server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str) -> None:
    jobs = [job(typed) for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda of: messages(server, unloads, of), jobs)) == [MESSAGES] * 16


def test_an_unload_outlives_the_adapter_that_started_it(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    server.ask("unload-delay", {"seconds": 3})
    starter = server.unloads()
    query_id = submit(server, starter, job(typed))
    starter.close()
    assert unloads.state(query_id) is UnloadState.RUNNING
    assert end(unloads, query_id) is UnloadState.SUCCEEDED


def test_an_unload_that_outlasts_its_limit_fails_with_advice(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    server.ask("unload-delay", {"seconds": 30})
    hasty = server.unloads(statement_timeout=1)
    query_id = submit(server, hasty, job(typed))
    assert end(hasty, query_id) is UnloadState.FAILED
    failure = unloads.failure(query_id)
    hasty.close()
    assert isinstance(failure, UnloadRefused)
    assert failure.message.startswith("The export exceeded its time limit")


def test_an_abort_ends_the_unload_at_once(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str
) -> None:
    server.ask("unload-delay", {"seconds": 120})
    query_id = submit(server, unloads, job(typed))
    began = time.monotonic()
    unloads.abort(query_id)
    assert end(unloads, query_id) is UnloadState.FAILED
    assert time.monotonic() - began < 60


def test_no_value_of_a_filter_gets_into_a_log(
    server: LocalSnowflake, unloads: SnowflakeUnloads, typed: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        messages(server, unloads, job(typed, filter_column="name"), ["a-private-value"])
    assert "a-private-value" not in caplog.text


def test_a_snowflake_that_refuses_connections_is_unavailable_in_seconds(server: LocalSnowflake) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nothing answers there
        adapter = _at_port(server, taken.getsockname()[1])
        began = time.monotonic()
        with pytest.raises(Unavailable):
            adapter.describe("base.assets.t")
    assert time.monotonic() - began < 30


def test_a_snowflake_that_never_answers_is_unavailable_in_seconds(
    server: LocalSnowflake,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        adapter = _at_port(server, silent.getsockname()[1], login_timeout=1)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            adapter.describe("base.assets.t")
    assert time.monotonic() - began < 30


def _at_port(server: LocalSnowflake, port: int, **arguments: Any) -> SnowflakeUnloads:
    connect = server.connect | {"port": port} | arguments
    return SnowflakeUnloads(connect, location_stage=server.location_stage, statement_timeout=60)
