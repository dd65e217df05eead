"""Finishing: a job completes when no chunks are left, and fails only if some are."""

import pytest

from shared.domain.errors import StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from tests.unit.steps.world import World


def all_counted(world: World) -> Job:
    """Return a job whose chunks are all delivered, and whose finisher crashed."""
    job, _ = world.staged()
    for chunk in list(world.chunks.undelivered(job)):
        world.has_arrived(job, chunk)
    return world.now(job)


def test_a_job_with_something_left_does_not_complete() -> None:
    world = World()
    job, _ = world.staged()
    assert world.finish.if_all_delivered(job) == job
    assert world.queue.waiting == []


def test_a_job_whose_manifest_is_not_there_does_not_complete() -> None:
    world = World()
    job = world.accept()
    assert world.finish.if_all_delivered(job) == job


def test_finishing_twice_keeps_the_first_time() -> None:
    world = World()
    job = all_counted(world)
    first = world.finish.if_all_delivered(job)
    world.clock.sleep(60)
    assert world.finish.if_all_delivered(job) == first
    assert first.time_completed is not None


def test_a_job_at_rest_is_not_asked_to_be_torn_down_again() -> None:
    world = World(rows=0)
    job = world.accept()
    world.run()
    world.finish.if_all_delivered(world.now(job))
    assert world.queue.waiting == []


def test_a_failed_job_is_asked_to_be_torn_down() -> None:
    world = World()
    job, _ = world.staged()
    failed = world.finish.fail("acme", job.job_id, "why", retry=0)
    assert failed.status is JobStatus.FAILED
    assert world.queue.waiting == [TearDownJob("acme", job.job_id)]


def test_a_job_of_which_all_has_arrived_completes_instead_of_failing() -> None:
    world = World()
    job = all_counted(world)
    assert world.finish.fail("acme", job.job_id, "why", retry=0).status is JobStatus.COMPLETED


def test_a_failure_of_an_earlier_retry_fails_nothing() -> None:
    world = World()
    job, _ = world.staged()
    assert world.finish.fail("acme", job.job_id, "why", retry=-1) == job
    assert world.queue.waiting == []


def test_a_failure_of_an_unknown_job_is_stale() -> None:
    with pytest.raises(StaleMessage):
        World().finish.fail("acme", "gone", "why", retry=0)
