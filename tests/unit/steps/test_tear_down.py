"""Tearing down: an ended job's leftovers are removed, and its running work is stopped."""

from dataclasses import replace
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import Busy, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob, TearDownJob
from tests.fakes.examples import WEBHOOK, new_attempt, new_job
from tests.unit.steps.world import LEASE, World


def tear_down(world: World, job: Job) -> Job:
    world.tear_down.run(TearDownJob(job.organization_id, job.job_id))
    return world.now(job)


def unloading(world: World) -> Job:
    """Return a job whose unload runs."""
    job = world.accept()
    world.queue.taken()
    world.stage.run(StageJob("acme", job.job_id, 0))
    return world.now(job)


def test_a_completed_job_leaves_no_files_and_keeps_its_topic() -> None:
    world = World()
    job = world.accept()
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert world.now(job).torn_down
    assert world.files.contents == {}
    assert world.broker.topics == {"beam.acme.transfers"}


def test_a_cancelled_job_leaves_neither_files_nor_the_topic_that_only_it_named() -> None:
    world = World()
    job, _ = world.staged()
    assert tear_down(world, world.cancel(job)).torn_down
    assert world.files.contents == {}
    assert world.broker.topics == set()


def test_a_topic_that_another_job_names_stays() -> None:
    world = World()
    world.staged()
    job, _ = world.staged()
    tear_down(world, world.cancel(job))
    assert world.broker.topics == {"beam.acme.transfers"}


def test_another_jobs_files_stay() -> None:
    world = World()
    other, _ = world.staged()
    job, _ = world.staged()
    tear_down(world, world.cancel(job))
    assert len(world.files.contents) == 3
    assert all(path.startswith(other.prefix) for path in world.files.contents)


def test_a_failed_jobs_files_stay_for_a_retry() -> None:
    world = World()
    job, _ = world.staged()
    world.finish.fail("acme", job.job_id, "why", retry=0)
    assert tear_down(world, job).torn_down
    assert len(world.files.contents) == 3


def test_a_running_query_is_aborted_and_its_end_awaited() -> None:
    world = World(polls=1000)
    job = unloading(world)
    tear_down(world, world.cancel(job))
    assert world.warehouse.aborted == [job.require_attempt().query_id]


def test_a_query_that_has_ended_is_not_aborted() -> None:
    world = World(polls=60)
    job = unloading(world)
    world.cancel(job)
    for query in world.warehouse.queries.values():
        query.polls_left = 0
    tear_down(world, job)
    assert world.warehouse.aborted == []


def test_a_query_that_will_not_end_is_looked_for_again_later() -> None:
    """An aborted unload may write files until it has ended, so the prefix is deleted only then."""
    world = World(polls=1000)
    job = unloading(world)
    world.cancel(job)
    world.faults.instead["FakeWarehouse.abort"] = lambda _query_id: None
    with pytest.raises(Busy):
        tear_down(world, job)
    assert not world.now(job).torn_down


def test_a_query_that_is_just_being_submitted_is_waited_for() -> None:
    world = World(polls=1000)
    job = world.accept()
    attempt = new_attempt(world.clock.now())
    claim = partial(transitions.claim, attempt=attempt, previous=None, columns=(), key_column=None)
    job = world.change(job, claim)
    world.cancel(job)
    with pytest.raises(Busy):
        tear_down(world, job)
    world.clock.sleep(45)
    assert tear_down(world, job).torn_down


def test_a_query_whose_id_was_never_written_down_is_found_and_aborted() -> None:
    world = World(polls=1000)
    job = unloading(world)
    [query] = world.warehouse.queries.values()
    attempt = new_attempt(job.require_attempt().claimed_at, attempt_id=job.require_attempt().attempt_id)
    world.jobs.stored["acme", job.job_id].job = new_job(
        job_id=job.job_id, confirmed=True, attempts=1, attempt=attempt
    )
    tear_down(world, world.cancel(job))
    assert world.warehouse.aborted == [query.query_id]


def test_files_and_topics_are_left_alone_while_a_delivery_may_use_them() -> None:
    world = World()
    job, _ = world.staged()
    lease = world.deliveries.take(job, 0, WEBHOOK.uid)
    assert lease is not None
    world.cancel(job)
    sleep = world.clock.sleep

    def files_are_there(seconds: float) -> None:
        assert len(world.files.contents) == 3
        assert world.broker.topics
        sleep(seconds)

    started = world.clock.monotonic()
    replace(world.tear_down, sleep=files_are_there).run(TearDownJob("acme", job.job_id))
    assert world.clock.monotonic() - started <= LEASE
    assert world.files.contents == {}


def test_deliveries_that_outlive_the_wait_are_waited_for_by_another_run() -> None:
    world = World()
    job, _ = world.staged()
    lease = world.deliveries.take(job, 0, WEBHOOK.uid)
    assert lease is not None
    world.cancel(job)
    sleep = world.clock.sleep

    def renewing(seconds: float) -> None:
        sleep(seconds)
        lease.renew()

    with pytest.raises(Busy):
        replace(world.tear_down, sleep=renewing).run(TearDownJob("acme", job.job_id))
    assert len(world.files.contents) == 3


def test_a_job_that_has_not_ended_is_not_torn_down() -> None:
    world = World()
    job, _ = world.staged()
    with pytest.raises(StaleMessage):
        tear_down(world, job)


def test_a_job_at_rest_is_left_alone() -> None:
    world = World()
    job = world.accept()
    world.run()
    calls = len(world.faults.calls)
    tear_down(world, job)
    assert world.faults.calls[calls:] == ["FakeJobs.get"]
