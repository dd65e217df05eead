"""An estimate from the staging function's process over HTTP, with the local Snowflake's data."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
from shared.adapters.estimates import StageEstimates
from shared.adapters.snowflake import SnowflakeUnloads
from shared.domain.columns import Choice
from shared.domain.errors import Unavailable
from shared.domain.jobs import Window
from shared.domain.slices import Slice, SliceRefused
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement
from tests.contract.unload_worlds import LocalSnowflake
from tests.integration.test_snowflake_unloads import job, messages
from tests.integration.unload_examples import MESSAGES, STATEMENTS

pytestmark = pytest.mark.emulator

TABLE = "base.assets.typed"
MARCH = Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00")
WANTED = Slice("acme", TABLE, MARCH)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    parts = frozenset({"snowflake", "gcs", "stage"})
    options = StackOptions(folder=tmp_path_factory.mktemp("estimates"), parts=parts, rows=100)
    with LocalStack(options) as running:
        yield running


@pytest.fixture(scope="module")
def server(stack: LocalStack) -> LocalSnowflake:
    known = stack.endpoints
    found = LocalSnowflake(
        known["snowflake"],
        known["snowflake_stage"],
        known["snowflake_url"],
        known["gcs_url"],
        known["bucket"],
    )
    found.run(*STATEMENTS)
    found.run("CREATE OR REPLACE VIEW BASE.ASSETS.TYPED_VIEW AS SELECT * FROM BASE.ASSETS.TYPED")
    return found


@pytest.fixture
def unloads(server: LocalSnowflake) -> Iterator[SnowflakeUnloads]:
    adapter = server.unloads()
    yield adapter
    adapter.close()


@pytest.fixture
def estimates(stack: LocalStack, server: LocalSnowflake) -> StageEstimates:
    assert server.connect
    return StageEstimates(stack.endpoints["functions"]["stage"]["url"], None, 60.0)


def test_first_rows_are_those_that_would_arrive(estimates: StageEstimates) -> None:
    facts = estimates.facts(WANTED)
    assert facts.rows == 3
    rows = [json.loads(row) for row in facts.sample]
    assert sorted(rows, key=lambda row: str(row["block_timestamp"])) == MESSAGES
    assert [list(row) for row in rows] == [list(MESSAGES[0])] * 3
    assert facts.chunk_bytes == 4 << 20


SLICES: list[tuple[str, dict[str, Any]]] = [
    ("all", {}),
    ("view", {"table": "base.assets.typed_view"}),
    ("empty", {"window": replace(MARCH, start="2026-03-20T00:00:00")}),
    ("start of a row", {"window": replace(MARCH, start="2026-03-01T00:00:00.123456789")}),
    ("a nanosecond later", {"window": replace(MARCH, start="2026-03-01T00:00:00.123456790")}),
    ("end at a row", {"window": replace(MARCH, end="2026-03-01T00:00:00.123456789")}),
    ("a nanosecond behind", {"window": replace(MARCH, end="2026-03-01T00:00:00.123456790")}),
    ("text", {"filter_column": "name", "filter_values": ("plain", "Plain")}),
    ("empty text", {"filter_column": "name", "filter_values": ("",)}),
    ("hostile text", {"filter_column": "name", "filter_values": ("') OR 1=1 --", "%s", "🦄")}),
    ("number", {"filter_column": "id", "filter_values": (-7, 8)}),
    ("wide number", {"filter_column": "id", "filter_values": ("9" * 38,)}),
    ("decimal", {"filter_column": "price", "filter_values": ("0.000000000000000001",)}),
    ("float", {"filter_column": "ratio", "filter_values": (1.5, 2.5)}),
    ("boolean", {"filter_column": "is_mint", "filter_values": (True, False)}),
    ("date", {"filter_column": "mint_date", "filter_values": ("2026-03-01",)}),
    ("time", {"filter_column": "clock", "filter_values": ("12:30:00.5", "12:30:00.25")}),
    ("timestamp", {"filter_column": "block_timestamp", "filter_values": ("2026-03-02",)}),
    ("instant", {"filter_column": "zoned_time", "filter_values": ("2026-03-01T00:00:00.5Z",)}),
    ("bytes", {"filter_column": "hash", "filter_values": ("00ff", "0102")}),
]


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in SLICES])
def test_rows_are_as_many_as_arrive(
    estimates: StageEstimates, server: LocalSnowflake, unloads: SnowflakeUnloads, changes: dict[str, Any]
) -> None:
    wanted = replace(WANTED, **changes)
    facts = estimates.facts(wanted)
    of = job(wanted.table, wanted.window, wanted.filter_column)
    assert facts.rows == len(messages(server, unloads, of, list(wanted.filter_values)))
    # A value that matches nothing returns no rows when it is queried alone.
    for place, value in enumerate(wanted.filter_values):
        alone = estimates.facts(replace(wanted, filter_values=(value,)))
        assert (alone.rows == 0) == (place in facts.unmatched)


def test_what_the_table_lacks_is_told_with_its_place(estimates: StageEstimates) -> None:
    wanted = replace(WANTED, filter_column="nothing", filter_values=("x",), chosen=(Choice("neither"),))
    with pytest.raises(SliceRefused) as refused:
        estimates.facts(wanted)
    assert [fault.loc for fault in refused.value.faults] == [("filter", "column"), ("columns", 0)]
    with pytest.raises(SliceRefused, match=r"base\.assets\.missing does not exist") as missing:
        estimates.facts(replace(WANTED, table="base.assets.missing"))
    assert [fault.loc for fault in missing.value.faults] == [("table",)]


def test_a_question_that_takes_too_long_is_aborted(unloads: SnowflakeUnloads) -> None:
    many = "SELECT COUNT(*) FROM " + ", ".join(
        f"BASE.ASSETS.ERC20_TOKEN_TRANSFERS t{number}" for number in range(7)
    )
    began = time.monotonic()
    with pytest.raises(Unavailable):
        unloads.ask(Statement(f"{many} WHERE t0.LOG_INDEX + t6.LOG_INDEX < 0"), "beam-estimate-slow", 1.0)
    assert time.monotonic() - began < 15
    query_id = unloads.find("beam-estimate-slow")
    assert query_id is not None
    deadline = time.monotonic() + 30
    while unloads.state(query_id) is UnloadState.RUNNING:
        assert time.monotonic() < deadline, "the query runs on"
        time.sleep(0.05)
    assert unloads.state(query_id) is UnloadState.FAILED


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_a_staging_function_that_answers_something_else_is_no_answer(stack: LocalStack, path: str) -> None:
    url = stack.endpoints["functions"]["stage"]["url"] + path
    estimates = StageEstimates(url if path else "http://127.0.0.1:9", None, 5.0)
    with pytest.raises(Unavailable):
        estimates.facts(WANTED)
