"""Snowflake's behaviour for the steps: the fake, and the real adapter on the local server."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.domain.errors import Unavailable, UnloadRefused
from shared.domain.jobs import Attempt, Job, Window
from shared.steps.ports import Unloads, UnloadState
from shared.unload.statements import Statement, selected, unload_statement
from tests.contract.unload_worlds import COLUMNS, World, fake_world, real_world, snowflake

__all__ = ["snowflake"]

NOON = Window("block_timestamp", "2026-03-01T12:00:00", "2026-04-01T00:00:00")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.emulator)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "fake":
        yield fake_world()
    else:
        yield from real_world(request.getfixturevalue("snowflake"))


def attempt() -> Attempt:
    return Attempt(str(uuid.uuid4()), datetime(2026, 3, 2, tzinfo=UTC))


def job() -> Job:
    """Return a job with its own attempt."""
    return Job(
        organization_id="acme",
        job_id=str(uuid.uuid4()),
        job_name="contract",
        table="base.assets.contract",
        window=Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00"),
        destinations=(),
        static_egress_ip=False,
        time_created=datetime(2026, 3, 2, tzinfo=UTC),
        webhook_batch_rows=500,
        attempt=attempt(),
    )


def statement(of: Job) -> Statement:
    return unload_statement(
        job=of,
        filter_values=[],
        table_columns=COLUMNS,
        selection=selected(COLUMNS, (), ()),
        location_stage="BASE.ASSETS.STAGED_CHUNKS",
        max_file_bytes=1 << 20,
    )


def submitted(unloads: Unloads, of: Job) -> str:
    return unloads.submit(statement(of), of.query_tag)


def end(unloads: Unloads, query_id: str) -> UnloadState:
    """Return the query's final state."""
    deadline = time.monotonic() + 60
    while (state := unloads.state(query_id)) is UnloadState.RUNNING:
        assert time.monotonic() < deadline, "the query runs on"
        time.sleep(0.02)
    return state


def test_a_table_is_described_in_its_own_order_with_exact_names(world: World) -> None:
    assert world.unloads.describe("base.assets.contract") == COLUMNS


def test_a_missing_table_is_refused_by_name(world: World) -> None:
    with pytest.raises(UnloadRefused, match=r"^Table base\.assets\.missing does not exist"):
        world.unloads.describe("base.assets.missing")


def test_a_slow_unload_answers_its_id_at_once_runs_and_succeeds(world: World) -> None:
    world.slow()
    query_id = submitted(world.unloads, job())
    assert world.unloads.state(query_id) is UnloadState.RUNNING
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED


def test_the_manifest_names_every_file_with_its_bytes_and_rows(world: World) -> None:
    query_id = submitted(world.unloads, job())
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED
    files = world.unloads.files(query_id)
    assert sum(file.rows for file in files) == 3
    assert all(query_id in file.name and "/" not in file.name and file.size > 0 for file in files)


def test_the_start_is_inside_of_the_slice(world: World) -> None:
    query_id = submitted(world.unloads, replace(job(), window=NOON))
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED
    assert sum(file.rows for file in world.unloads.files(query_id)) == 2


def test_the_end_is_outside_of_the_slice(world: World) -> None:
    window = Window("block_timestamp", "2026-03-01T00:00:00", "2026-03-02T00:00:00")
    query_id = submitted(world.unloads, replace(job(), window=window))
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED
    assert sum(file.rows for file in world.unloads.files(query_id)) == 2


def test_a_slice_without_rows_has_no_files(world: World) -> None:
    window = Window("block_timestamp", "2025-01-01T00:00:00", "2025-02-01T00:00:00")
    query_id = submitted(world.unloads, replace(job(), window=window))
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED
    assert world.unloads.files(query_id) == []


def test_a_query_is_found_by_its_tag_while_it_runs(world: World) -> None:
    world.slow()
    wanted = job()
    submitted(world.unloads, job())
    query_id = submitted(world.unloads, wanted)
    assert world.another.find(wanted.query_tag) == query_id
    end(world.unloads, query_id)


def test_a_tag_that_no_query_carries_finds_none(world: World) -> None:
    assert world.unloads.find(job().query_tag) is None


def test_another_process_hears_of_the_query_and_gets_its_manifest(world: World) -> None:
    query_id = submitted(world.unloads, job())
    assert end(world.another, query_id) is UnloadState.SUCCEEDED
    assert world.another.files(query_id) == world.unloads.files(query_id)


def test_a_refused_unload_says_what_the_client_can_do(world: World) -> None:
    world.refuse()
    query_id = submitted(world.unloads, job())
    assert end(world.unloads, query_id) is UnloadState.FAILED
    assert isinstance(world.another.failure(query_id), UnloadRefused)


def test_an_incident_is_worth_another_attempt(world: World) -> None:
    world.disturb()
    query_id = submitted(world.unloads, job())
    assert end(world.unloads, query_id) is UnloadState.FAILED
    assert isinstance(world.unloads.failure(query_id), Unavailable)


def test_an_aborted_unload_ends_without_blame(world: World) -> None:
    world.slow()
    query_id = submitted(world.unloads, job())
    world.another.abort(query_id)
    assert end(world.unloads, query_id) is UnloadState.FAILED
    assert isinstance(world.unloads.failure(query_id), Unavailable)


def test_an_ended_unload_can_not_be_aborted_any_more(world: World) -> None:
    query_id = submitted(world.unloads, job())
    assert end(world.unloads, query_id) is UnloadState.SUCCEEDED
    world.unloads.abort(query_id)
    assert world.unloads.state(query_id) is UnloadState.SUCCEEDED


def test_aborting_what_never_was_does_nothing(world: World) -> None:
    world.unloads.abort(str(uuid.uuid4()))


@pytest.mark.parametrize("query_id", ["0195c3a7-6a44-4e3b-9d20-8d6f0a5a1c11", "no id at all"])
def test_a_query_that_never_was_is_unknown(world: World, query_id: str) -> None:
    assert world.unloads.state(query_id) is UnloadState.UNKNOWN
