"""Expiring: receipts are kept exactly as long as recorded at a job's end."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import StaleMessage, StateConflict, Unavailable
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from shared.domain.receipt import require_receipt
from tests.fakes.examples import CREATED
from tests.unit.steps.world import EXPIRING, KEPT, RECEIPTS_KEPT, World

MOMENT = timedelta(seconds=1)


def completed(world: World) -> Job:
    job = world.accept()
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    return world.now(job)


def failed(world: World) -> Job:
    """Return a torn down job with undelivered chunks."""
    job, _ = world.staged()
    world.finish.fail(job.organization_id, job.job_id, "no way on", retry=0)
    world.tear_down.run(TearDownJob(job.organization_id, job.job_id))
    world.queue.taken()
    return world.now(job)


def at(world: World, job: Job, after_its_end: timedelta) -> None:
    assert job.time_completed is not None
    world.clock.sleep((job.time_completed + after_its_end - world.clock.now()).total_seconds())


def test_a_receipt_is_kept_until_its_last_day_and_then_removed() -> None:
    world = World()
    job = completed(world)
    at(world, job, RECEIPTS_KEPT - MOMENT)
    assert world.expire.run() == 0
    assert len(world.deliveries.records) == 3 * len(job.destinations)
    require_receipt(world.now(job))
    at(world, job, RECEIPTS_KEPT)
    assert world.expire.run() == 1
    assert world.deliveries.records == {}
    assert world.chunks.get(job, 0) is None
    with pytest.raises(StateConflict, match="no longer kept"):
        require_receipt(world.now(job))
    # Nothing else changes.
    assert world.now(job).records_until is None
    assert world.expire.run() == 0
    assert world.now(job).status is JobStatus.COMPLETED
    assert world.reports == []


def test_what_a_failed_job_needs_for_a_retry_outlives_a_shorter_time_of_receipts() -> None:
    world = World()
    job = failed(world)
    at(world, job, RECEIPTS_KEPT)
    assert world.expire.run() == 0
    at(world, job, KEPT.staged_files)
    assert world.expire.run() == 1
    with pytest.raises(StateConflict, match="records are no longer kept: create a new backfill"):
        transitions.retry(world.now(job), world.clock.now(), after=0)


def test_a_job_that_is_retried_keeps_its_records_until_its_next_end() -> None:
    world = World()
    job = failed(world)
    assert job.records_until is not None
    world.retry(job)
    assert world.now(job).records_until is None
    world.run()
    again = world.now(job)
    assert again.status is JobStatus.COMPLETED
    assert again.time_completed is not None
    assert again.records_until == again.time_completed + RECEIPTS_KEPT


def test_a_job_that_is_retried_at_the_last_moment_keeps_its_records() -> None:
    world = World()
    job = failed(world)
    at(world, job, KEPT.staged_files)
    world.jobs.between = lambda: world.change(job, partial(transitions.retry, now=world.clock.now(), after=0))
    assert world.expire.run() == 0
    [error] = world.reports
    assert isinstance(error, StaleMessage)
    assert world.chunks.get(job, 0) is not None
    assert not world.now(job).records_removed


@pytest.mark.parametrize("changed", [transitions.forget, partial(transitions.retry, now=CREATED, after=0)])
def test_records_that_are_not_due_are_not_removed(changed: Callable[[Job], Job]) -> None:
    world = World()
    job = failed(world)
    with pytest.raises(StaleMessage):
        transitions.expire(job, world.clock.now())
    with pytest.raises(StaleMessage):
        transitions.expire(changed(job), world.clock.now() + timedelta(days=400))


def test_a_removal_that_takes_too_long_goes_on_with_the_next_run() -> None:
    world = World()
    jobs = [completed(world), completed(world)]
    at(world, jobs[1], RECEIPTS_KEPT)
    remove = world.retention.remove

    def slowly(job: Job, time_is_left: object) -> bool:
        assert callable(time_is_left)
        assert time_is_left()
        world.clock.sleep(EXPIRING)
        assert not time_is_left()
        return remove(job, lambda: False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.retention, "remove", slowly)
        assert world.expire.run() == 0
    # The first one's receipt is refused from the start; the second one was not begun.
    assert [world.now(job).records_removed for job in jobs] == [True, False]
    assert world.expire.run() == 2
    assert world.deliveries.records == {}


def test_one_jobs_trouble_keeps_no_other_waiting() -> None:
    world = World()
    jobs = [completed(world), completed(world)]
    at(world, jobs[1], RECEIPTS_KEPT)
    remove = world.retention.remove

    def refusing(job: Job, _time_is_left: object) -> bool:
        if job.job_id == jobs[0].job_id:
            raise Unavailable("the job store")
        return remove(job, lambda: True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.retention, "remove", refusing)
        assert world.expire.run() == 1
    assert [type(error) for error in world.reports] == [Unavailable]
    assert world.expire.run() == 1


def test_a_teardown_that_comes_again_after_the_removal_does_not_begin_it_anew() -> None:
    world = World()
    job = completed(world)
    at(world, job, RECEIPTS_KEPT)
    world.expire.run()
    again = transitions.tear_down(world.now(job), retry=0, reconciled=True, records_kept=RECEIPTS_KEPT)
    assert again.records_until is None
