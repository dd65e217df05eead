"""A fault at every call in turn: whatever is killed, lost or out of reach, what must hold holds.

Each test runs one job as often as it makes calls, each time with the fault at another of them. `make check`
tries one call in seven.
"""

import pytest

from shared.domain.jobs import Counts, JobStatus
from tests.examples import one_in
from tests.fakes.faults import Fault, Faults
from tests.unit.steps.world import World

ALL_ROWS = sorted((chunk, row) for chunk, rows in enumerate((5, 5, 3)) for row in range(rows))
SHAPES = {"quick unload": 0, "slow unload": 60}


def check(world: World) -> None:
    """Check a finished job of thirteen rows, to Kafka and to a webhook."""
    [stored] = world.jobs.stored.values()
    job = stored.job
    assert job.status is JobStatus.COMPLETED, job.error_message
    assert (job.num_chunks, job.num_rows, stored.counts) == (3, 13, Counts(0, 0))
    assert sorted(world.log.rows()) == ALL_ROWS, "Kafka gets each row exactly once"
    assert sorted(set(world.receiver.rows())) == ALL_ROWS, "the webhook gets each row at least once"
    rows_by_id = {request.request_id: request.rows for request in world.receiver.requests}
    assert all(rows_by_id[request.request_id] == request.rows for request in world.receiver.requests)
    assert sum(map(len, rows_by_id.values())) == 13, "a repeated batch carries the same id and rows"
    assert job.torn_down
    assert world.files.contents == {}
    assert world.warehouse.running() == []


@pytest.mark.parametrize("polls", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_at_any_call_loses_no_row_and_counts_each_chunk_once(fault: Fault, polls: int) -> None:
    at = 0
    while True:
        faults = Faults(at, fault)
        world = World(polls=polls, faults=faults, seed=at)
        world.accept()
        world.run()
        check(world)
        if not faults.happened:
            break
        at += one_in(7)
    assert at > 50


@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_two_kills_one_soon_after_the_other_lose_no_row_either(fault: Fault) -> None:
    for at in range(0, 90, 3 * one_in(5)):
        for distance in (1, 2, 5, 9):
            faults = Faults(at, fault)
            faults.strike(at + distance, fault)
            world = World(faults=faults, seed=at)
            world.accept()
            world.run()
            check(world)


@pytest.mark.parametrize("seed", range(5))
def test_every_message_twice_and_in_any_order_changes_nothing(seed: int) -> None:
    world = World(seed=seed, copies=2)
    world.accept()
    world.run()
    check(world)
    assert len(world.receiver.requests) == 8
    assert len(world.warehouse.queries) == 1


def test_a_kill_of_whoever_finishes_is_made_good_with_the_same_time() -> None:
    """A job ends once: later events change neither its time nor its status."""
    at = 0
    while True:
        faults = Faults(at, Fault.KILLED_AFTER)
        world = World(faults=faults)
        job, ends = world.accept(), set()
        while world.step() and world.clock.monotonic() < 7200:
            now = world.now(job)
            if now.status.is_terminal:
                ends.add((now.status, now.time_completed))
        assert len(ends) == 1
        if not faults.happened:
            break
        at += one_in(7)
