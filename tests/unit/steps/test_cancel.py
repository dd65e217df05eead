"""Cancelling: on a client's request, in every phase, whatever the queue does."""

import pytest

from shared.domain.errors import JobUnknown, StateConflict, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import TearDownJob
from shared.steps.cancel import cancel
from tests.fakes.examples import new_job
from tests.fakes.faults import Fault, Faults
from tests.unit.steps.world import World


def cancel_with(faults: Faults, world: World, job: Job) -> None:
    jobs, queue = faults.guard(world.jobs), faults.guard(world.queue)
    cancel(job.organization_id, job.job_id, jobs=jobs, publisher=queue, now=world.clock.now())


def test_a_cancelled_job_is_asked_to_be_torn_down() -> None:
    world = World()
    job, _ = world.staged()
    cancelled = world.cancel(job)
    assert (cancelled.status, cancelled.time_completed) == (JobStatus.CANCELLED, world.clock.now())
    assert world.queue.waiting == [TearDownJob("acme", job.job_id)]


def test_a_job_is_cancelled_though_the_queue_is_down_and_the_sweep_tears_it_down() -> None:
    world = World()
    job, _ = world.staged()
    world.queue.down = True
    assert world.cancel(job).status is JobStatus.CANCELLED
    world.queue.down = False
    world.run()
    assert world.now(job).torn_down
    assert world.files.contents == {}


def test_a_cancelled_job_may_be_cancelled_again_and_is_torn_down_once() -> None:
    world = World()
    job = world.accept()
    first = world.cancel(job)
    world.run()
    again = world.cancel(job)
    assert (again.status, again.time_completed) == (first.status, first.time_completed)
    assert world.queue.waiting == []


def test_a_job_of_which_nothing_is_left_completes_and_refuses() -> None:
    world = World()
    job, _ = world.staged()
    for chunk in list(world.chunks.undelivered(job)):
        world.has_arrived(job, chunk)
    with pytest.raises(StateConflict, match="completed"):
        world.cancel(job)
    assert world.now(job).status is JobStatus.COMPLETED


def test_whatever_is_out_of_reach_a_job_that_completes_refuses_and_the_sweep_tears_it_down() -> None:
    """Unavailable means that nothing is recorded."""
    completed, at = 0, 0
    while True:
        world, faults = World(), Faults(at)
        job, _ = world.staged()
        for chunk in list(world.chunks.undelivered(job)):
            world.has_arrived(job, chunk)
        with pytest.raises((StateConflict, Unavailable)) as caught:
            cancel_with(faults, world, job)
        refused = isinstance(caught.value, StateConflict)
        assert world.now(job).status is (JobStatus.COMPLETED if refused else JobStatus.TRANSPORTING)
        if not faults.happened:
            break
        completed += refused
        world.run()
        assert world.now(job).torn_down
        assert world.files.contents == {}
        at += 1
    assert (completed, at) == (1, 5)


def test_a_failed_job_refuses_whatever_else_is_out_of_reach() -> None:
    world = World()
    job, _ = world.staged()
    world.finish.fail("acme", job.job_id, "why", retry=0)
    faults = Faults()
    with pytest.raises(StateConflict, match="failed"):
        cancel_with(faults, world, job)
    assert faults.calls == ["FakeJobs.get"]


def test_a_job_of_another_organization_or_one_that_may_never_run_is_unknown() -> None:
    world = World()
    unconfirmed = new_job()
    world.jobs.create(unconfirmed, [])
    for job in (new_job(), unconfirmed):
        with pytest.raises(JobUnknown):
            world.cancel(job)


def test_a_delivery_under_way_when_the_job_is_cancelled_still_counts() -> None:
    world = World(rows=5)
    job, [message] = world.staged()
    world.faults.instead["FakeChunks.count_down"] = lambda job, chunk: (
        world.cancel(job) and world.chunks.count_down(job, chunk)
    )
    world.deliver.run(message)
    assert world.jobs.counts(job) == Counts(0, 0)
    assert world.now(job).status is JobStatus.CANCELLED


@pytest.mark.parametrize("polls", [0, 60], ids=["quick unload", "slow unload"])
@pytest.mark.parametrize("fault", Fault)
def test_cancelled_at_any_moment_a_job_leaves_nothing_behind(polls: int, fault: Fault) -> None:
    """The client cancels after this many steps; the fault happens after that."""
    ends = set()
    for steps in range(12):
        faults = Faults()
        world = World(polls=polls, faults=faults)
        job = world.accept()
        for _ in range(steps):
            world.step()
        sent = len(world.receiver.requests)
        try:
            world.cancel(job)
        except StateConflict:
            ends.add("too late")
        faults.strike(len(faults.calls), fault)
        world.run()
        job = world.now(job)
        ends.add(job.status.value)
        assert job.torn_down
        assert world.files.contents == {}
        assert world.warehouse.running() == []
        if job.status is JobStatus.CANCELLED:
            assert len(world.receiver.requests) == sent
            assert world.broker.topics == set()
    assert "cancelled" in ends
