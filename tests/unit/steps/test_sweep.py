"""The sweep: it restarts work without a message, and disturbs nothing else."""

from dataclasses import replace
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import BackfillError, Unavailable
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob, TearDownJob
from shared.steps.ports import UnloadState
from tests.fakes.examples import WEBHOOK, new_attempt, new_job
from tests.unit.steps.sweeps import later
from tests.unit.steps.world import SWEEPING, World


def staging(world: World, *, lost: bool = True) -> Job:
    job = world.accept()
    if lost:
        world.queue.taken()
    return job


def test_the_sweep_looks_after_every_job_that_is_not_at_rest() -> None:
    world = World()
    world.accept()
    world.accept()
    assert world.sweep.run() == 2


def test_a_job_whose_stage_message_was_lost_gets_another_and_not_too_often() -> None:
    world = World()
    job = staging(world)
    assert later(world, SWEEPING.nudge - 1) == []
    assert later(world, 1) == [StageJob("acme", job.job_id, 0)]
    assert later(world, SWEEPING.nudge - 1) == []
    assert later(world, 1) == [StageJob("acme", job.job_id, 0)]


def test_a_query_that_runs_is_left_to_run_and_its_end_is_noticed_at_once() -> None:
    world = World(polls=10_000)
    job = staging(world)
    world.stage.run(StageJob("acme", job.job_id, 0))
    assert later(world, SWEEPING.nudge) == []
    assert later(world, 3600) == []
    for query in world.warehouse.queries.values():
        query.polls_left = 0
    assert later(world, 1) == [StageJob("acme", job.job_id, 0)]


def test_a_claim_without_a_query_is_looked_after_once_its_time_is_over() -> None:
    world = World()
    job = staging(world)
    world.clock.sleep(30)
    claim = partial(
        transitions.claim, attempt=new_attempt(world.clock.now()), previous=None, columns=(), key_column=None
    )
    world.change(job, claim)
    assert later(world, SWEEPING.nudge - 1) == []
    assert later(world, 1) == [StageJob("acme", job.job_id, 0)]


def test_a_job_that_stages_for_too_long_fails() -> None:
    world = World(polls=10_000_000)
    job = staging(world)
    world.stage.run(StageJob("acme", job.job_id, 0))
    assert later(world, SWEEPING.staging) == [TearDownJob("acme", job.job_id)]
    assert world.now(job).status is JobStatus.FAILED
    assert world.now(job).error_message == "The export did not end within 24 hours"


def test_a_job_that_was_never_confirmed_is_removed_in_the_end() -> None:
    world = World()
    job = new_job(time_created=world.clock.now())
    world.jobs.create(job, [])
    assert later(world, SWEEPING.unconfirmed - 1) == []
    assert world.now(job) == job
    later(world, 1)
    assert world.jobs.stored == {}


def test_a_job_whose_finisher_died_is_completed() -> None:
    world = World()
    job, _ = world.staged()
    for chunk in list(world.chunks.undelivered(job)):
        world.has_arrived(job, chunk)
    assert later(world, 0) == [TearDownJob("acme", job.job_id)]
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_job_that_moves_is_not_disturbed() -> None:
    world = World(rows=50)
    _, messages = world.staged()
    for message in messages[:-1]:
        world.deliver.run(message)
        assert later(world, SWEEPING.stalled) == []


def test_a_job_that_does_not_end_for_too_long_fails() -> None:
    world = World()
    job, _ = world.staged()
    assert later(world, SWEEPING.job) == [TearDownJob("acme", job.job_id)]
    assert world.now(job).error_message == "The job did not end within 168 hours"


def test_a_job_that_did_not_end_names_what_its_destinations_said() -> None:
    world = World()
    job, _ = world.staged()
    world.jobs.record_destination_error(job, WEBHOOK.uid, "it answered {500}", world.clock.now())
    later(world, SWEEPING.job)
    assert world.now(job).error_message == (
        f"The job did not end within 168 hours (webhook {WEBHOOK.name}: it answered {{500}})"
    )


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.FAILED])
def test_an_ended_job_whose_teardown_was_lost_is_torn_down(status: JobStatus) -> None:
    world = World()
    job, _ = world.staged()
    if status is JobStatus.CANCELLED:
        world.cancel(job)
    else:
        world.finish.fail("acme", job.job_id, "why", retry=0)
    assert later(world, SWEEPING.nudge - 1) == []
    assert later(world, 1) == [TearDownJob("acme", job.job_id)]


def test_a_teardown_that_was_asked_for_has_its_time_before_it_is_asked_for_again() -> None:
    """A second sweep would do the same work, in a function that others need."""
    world = World()
    job, _ = world.staged()
    assert later(world, 30) == []
    world.cancel(job)
    assert later(world, SWEEPING.nudge) == [TearDownJob("acme", job.job_id)]
    assert later(world, SWEEPING.tear_down - 1) == []
    assert later(world, 1) == [TearDownJob("acme", job.job_id)]


def test_a_job_that_can_not_be_looked_after_does_not_keep_the_sweep_from_the_others() -> None:
    world = World()
    _, other = staging(world), staging(world)

    def out_of_reach(*_: object) -> object:
        raise Unavailable("the job store")

    world.faults.instead["FakeJobs.change"] = out_of_reach
    assert later(world, SWEEPING.nudge) == [StageJob("acme", other.job_id, 0)]
    assert [type(error) for error in world.reports] == [Unavailable]


def with_queries(world: World, jobs: int) -> list[Job]:
    """Return staging jobs, each with a query in Snowflake."""
    found = [staging(world) for _ in range(jobs)]
    for job in found:
        world.stage.run(StageJob("acme", job.job_id, 0))
    return found


def test_a_snowflake_that_does_not_answer_is_asked_once_a_sweep() -> None:
    """Each query takes 15 seconds, which would delay everybody else's jobs."""
    world = World(polls=10_000)
    with_queries(world, 3)
    lost = staging(world)
    world.clock.sleep(SWEEPING.nudge)
    world.warehouse.down = True
    for sweeps in (1, 2):
        before = world.faults.calls.count("FakeWarehouse.state")
        assert later(world, SWEEPING.nudge) == [StageJob("acme", lost.job_id, 0)]
        assert world.faults.calls.count("FakeWarehouse.state") == before + 1
        assert len(world.reports) == 3 * sweeps
    world.warehouse.down = False
    world.reports.clear()
    later(world, SWEEPING.nudge)
    assert world.reports == []


def test_jobs_that_ask_nothing_of_snowflake_come_first() -> None:
    world = World(polls=10_000)
    with_queries(world, 1)
    world.warehouse.polls = 0
    job, _ = world.staged()
    world.cancel(job)
    order = []

    def looked_up(_query_id: str) -> UnloadState:
        order.extend(world.queue.waiting)
        return UnloadState.RUNNING

    world.faults.instead["FakeWarehouse.state"] = looked_up
    later(world, SWEEPING.nudge)
    assert order == [TearDownJob("acme", job.job_id)]


def test_a_sweep_ends_in_time_and_in_the_next_ones_the_others_have_their_turn() -> None:
    world = World(polls=10_000)
    jobs = with_queries(world, 5)
    state = world.warehouse.state

    def slow(query_id: str) -> UnloadState:
        world.faults.instead["FakeWarehouse.state"] = slow
        world.clock.sleep(100)
        asked.append(query_id)
        return state(query_id)

    asked: list[str] = []
    world.faults.instead["FakeWarehouse.state"] = slow
    world.clock.sleep(SWEEPING.nudge)
    began = world.clock.monotonic()
    assert world.sweep.run() == 3
    assert world.clock.monotonic() - began <= 300
    replace(world.sweep, shuffle=list.reverse).run()
    assert set(asked) == {world.now(job).require_attempt().query_id for job in jobs}


@pytest.mark.parametrize("faster", ["a sweep", "a cancel"])
def test_of_two_who_look_after_a_job_at_once_the_slower_publishes_nothing(faster: str) -> None:
    world = World()
    job = staging(world)
    world.clock.sleep(SWEEPING.nudge)
    others = partial(world.change, job, partial(transitions.nudge, now=world.clock.now(), chunks_left=None))
    if faster == "a cancel":
        others = partial(world.change, job, partial(transitions.cancel, now=world.clock.now()))
    world.jobs.between = others
    world.sweep.run()
    assert world.queue.waiting == []
    assert all(isinstance(error, BackfillError) for error in world.reports)
    assert len(world.reports) == 1


def test_a_fault_of_our_own_over_one_job_does_not_keep_the_others_waiting() -> None:
    world = World()
    _, second = staging(world), staging(world)

    def fault(*_: object) -> object:
        raise ZeroDivisionError

    world.faults.instead["FakeJobs.change"] = fault
    assert later(world, SWEEPING.nudge) == [StageJob("acme", second.job_id, 0)]
    assert [type(error) for error in world.reports] == [ZeroDivisionError]


def test_lanes_are_opened_anew_when_other_jobs_begin_or_end() -> None:
    world = World(rows=500)
    first, _ = world.staged()
    second, _ = world.staged()
    assert (first.lanes, second.lanes) == (64, 32)
    world.sweep.run()
    [message] = world.queue.taken()
    assert message == StageJob("acme", first.job_id, 0)
    world.handle.run(message)
    assert world.now(first).lanes == 32
    world.queue.taken()
    world.sweep.run()
    assert world.queue.taken() == []
    world.pause(second)
    world.queue.taken()
    world.sweep.run()
    assert world.queue.taken() == [StageJob("acme", first.job_id, 0)]


def test_lanes_that_would_have_no_chunk_are_not_opened() -> None:
    world = World(rows=13)
    for _ in range(30):
        world.staged()
    world.sweep.run()
    assert world.queue.taken() == []
