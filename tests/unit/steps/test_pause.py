"""Pausing and resuming, in any order with other events of a job."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest

from shared.domain import transitions
from shared.domain.errors import (
    DeliveryStopped,
    JobUnknown,
    StaleMessage,
    StateConflict,
    Unavailable,
)
from shared.domain.events import UnloadEnded
from shared.domain.jobs import Counts, JobStatus
from shared.domain.messages import StageJob
from tests.fakes.examples import WEBHOOK, new_job
from tests.unit.steps.staging import accepted, just_before, stage
from tests.unit.steps.world import KEPT, SWEEPING, World

HOUR = 3600.0
DAY = timedelta(days=1)


def test_a_paused_jobs_chunks_are_not_delivered_and_resumed_all_arrive() -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[0])
    paused = world.pause(job)
    assert (paused.paused, paused.time_paused, paused.lanes) == (True, world.clock.now(), 0)
    for message in messages[1:]:
        with pytest.raises(StaleMessage, match="paused"):
            world.deliver.run(message)
    assert world.jobs.counts(job) == Counts(2, 8)
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.log.rows()) == 13


def test_a_delivery_under_way_stops_and_lets_go_of_its_lease() -> None:
    world = World()
    job, messages = world.staged()
    just_before(world, world.files, "open", lambda: world.pause(job))
    with pytest.raises(DeliveryStopped):
        world.deliver.run(messages[0])
    assert not world.deliveries.leased(job)
    assert world.log.rows() == []


def test_a_delivery_that_was_faster_than_the_pause_sets_nothing_going() -> None:
    """It read the job earlier; its message is dropped."""
    world = World(rows=50)
    world.stage = replace(world.stage, in_flight=2)
    job, messages = world.staged()
    just_before(world, world.chunks, "count_down", lambda: world.pause(job))
    world.deliver.run(messages[0])
    [_settle, following] = world.queue.taken()
    with pytest.raises(StaleMessage, match="paused"):
        world.handle.run(following)


def test_pausing_and_resuming_twice_answers_the_same() -> None:
    world = World()
    job, _ = world.staged()
    paused = world.pause(job)
    world.clock.sleep(10)
    assert world.pause(job) == paused
    resumed = world.resume(job)
    world.clock.sleep(10)
    world.queue.taken()
    assert world.resume(job) == resumed
    assert world.queue.taken() == []


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_job_that_has_ended_can_not_be_paused_or_resumed(act: str) -> None:
    world = World()
    job, _ = world.staged()
    world.cancel(job)
    with pytest.raises(StateConflict, match="cancelled"):
        getattr(world, act)(job)


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_of_another_organizations_job_nothing_is_known(act: str) -> None:
    world = World()
    job, _ = world.staged()
    with pytest.raises(JobUnknown):
        getattr(world, act)(replace(job, organization_id="globex"))


def test_an_hours_pause_counts_towards_no_limit() -> None:
    world = World()
    world.sweep = replace(world.sweep, limits=replace(SWEEPING, job=HOUR, staging=HOUR))
    job, _ = world.staged()
    world.clock.sleep(HOUR / 2)
    for _ in range(3):
        world.pause(job)
        for _ in range(60):
            world.clock.sleep(60)
            world.sweep.run()
        world.resume(job)
        world.clock.sleep(HOUR / 8)
        world.sweep.run()
    assert world.now(job).status is JobStatus.TRANSPORTING
    assert world.now(job).seconds_at_work(world.clock.now()) == HOUR * 7 / 8
    world.clock.sleep(HOUR / 8)
    world.sweep.run()
    assert world.now(job).status is JobStatus.FAILED


def test_a_retry_counts_its_time_anew() -> None:
    world = World()
    job, _ = world.staged()
    world.pause(job)
    world.clock.sleep(HOUR)
    world.resume(job)
    world.change(job, partial(transitions.fail, message="why", now=world.clock.now(), retry=0))
    world.retry(job)
    assert world.now(job).seconds_at_work(world.clock.now()) == 0


def test_an_unload_under_way_goes_on_and_its_chunks_wait() -> None:
    world = World(polls=100)
    job = stage(world, accepted(world))
    world.pause(job)
    world.run(hours=1)
    staged = world.now(job)
    assert (staged.status, staged.num_chunks, staged.lanes) == (JobStatus.TRANSPORTING, 3, 0)
    assert world.log.rows() == []
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.warehouse.queries) == 1


def test_no_unload_is_begun_for_a_paused_job() -> None:
    world = World()
    job = accepted(world)
    world.pause(job)
    with pytest.raises(StaleMessage, match="paused"):
        stage(world, job)
    world.run(hours=1)
    assert world.warehouse.queries == {}
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_no_unload_is_begun_again_for_a_paused_job() -> None:
    world = World()
    job = accepted(world)
    world.warehouse.errors.append(Unavailable("Snowflake"))
    just_before(world, world.warehouse, "failure", lambda: world.pause(job))
    with pytest.raises(StaleMessage, match="paused"):
        stage(world, job)
    assert len(world.warehouse.queries) == 1
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_slice_without_rows_is_completed_paused_or_not() -> None:
    world = World(rows=0, polls=100)
    job = stage(world, accepted(world))
    world.pause(job)
    world.run(hours=1)
    assert (world.now(job).status, world.now(job).paused) == (JobStatus.COMPLETED, False)


def test_a_resume_whose_message_was_lost_is_mended_by_the_sweep() -> None:
    world = World()
    job, _ = world.staged()
    world.pause(job)
    world.clock.sleep(HOUR)
    world.queue.taken()
    world.queue.down = True
    world.resume(job)
    world.queue.down = False
    world.sweep.run()
    assert world.queue.taken() == []
    world.clock.sleep(SWEEPING.nudge)
    world.sweep.run()
    assert world.queue.taken() == [StageJob("acme", job.job_id, 0)]


def test_a_paused_job_can_be_cancelled() -> None:
    world = World()
    job, _ = world.staged()
    world.pause(job)
    cancelled = world.cancel(job)
    assert (cancelled.status, cancelled.paused) == (JobStatus.CANCELLED, False)
    world.run()
    assert world.now(job).torn_down


@pytest.mark.parametrize("acts", list(permutations(("pause", "resume", "cancel", "retry", "fail"))))
def test_whatever_the_order_nothing_is_left_behind(acts: tuple[str, ...]) -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[0])
    for act in acts:
        try:
            if act == "fail":
                now = world.now(job)
                world.finish.fail(job.organization_id, job.job_id, "why", retry=now.retry)
            else:
                getattr(world, act)(job)
        except StateConflict:
            continue
        world.step()
    ended = world.now(job)
    if ended.paused:
        world.resume(job)
    world.run()
    ended = world.now(job)
    assert ended.status.is_terminal
    assert (ended.torn_down, ended.paused, ended.lanes) == (True, False, 0)
    if ended.status is JobStatus.COMPLETED:
        assert len(world.log.rows()) == 13


@pytest.mark.parametrize("retried", [13.0, 14.0])
def test_a_pause_late_in_a_retried_jobs_life_can_be_undone(retried: float) -> None:
    """The bucket keeps the files for as long after the last retry as the job may work."""
    world = World()
    job, _ = world.staged()
    claimed = job.require_attempt().claimed_at
    world.finish.fail("acme", job.job_id, "why", retry=0)
    world.run(0.2)
    world.clock.sleep((claimed + retried * DAY - world.clock.now()).total_seconds())
    world.retry(job)
    world.clock.sleep(2 * DAY.total_seconds())
    world.pause(job)
    assert world.resume(job).paused is False


def test_all_pauses_since_a_retry_end_while_the_files_are_sure_to_be_there() -> None:
    world = World()
    job, _ = world.staged(new_job(destinations=(WEBHOOK,)))
    claimed = job.require_attempt().claimed_at
    world.finish.fail("acme", job.job_id, "why", retry=0)
    world.run(0.2)
    world.clock.sleep((claimed + 13 * DAY - world.clock.now()).total_seconds())
    world.retry(job)
    for hours, pause in ((10, 12), (20, 12)):
        world.clock.sleep(hours * HOUR)
        world.pause(job)
        world.clock.sleep(pause * HOUR)
        resumed = world.resume(job)
    at_work = timedelta(seconds=resumed.seconds_at_work(world.clock.now()))
    latest_end = world.clock.now() + timedelta(seconds=SWEEPING.job) - at_work
    assert latest_end == claimed + KEPT.staged_files + timedelta(seconds=SWEEPING.job)
    world.pause(job)
    world.clock.sleep(1)
    with pytest.raises(StateConflict, match=r"paused, and its staged files are gone.*14 days"):
        world.resume(job)


def test_an_unload_that_failed_while_its_job_was_paused_is_reported_once() -> None:
    """The sweep leaves the job alone, and its resume begins another unload."""
    world = World(polls=40)
    world.warehouse.errors = [Unavailable("Snowflake")]
    job = stage(world, accepted(world))
    world.pause(job)
    world.warehouse.polls = 0
    for _ in range(60):
        world.clock.sleep(60)
        world.run(hours=0.01)
    [ended] = [event for event in world.events if isinstance(event, UnloadEnded)]
    assert (ended.state, ended.seconds < 1800) == ("failed", True)
    asked = world.faults.calls.count("FakeWarehouse.state")
    world.clock.sleep(60)
    world.sweep.run()
    assert world.faults.calls.count("FakeWarehouse.state") == asked
    assert (world.now(job).attempts, len(world.warehouse.queries)) == (1, 1)
    world.resume(job)
    world.run()
    assert (world.now(job).status, world.now(job).attempts) == (JobStatus.COMPLETED, 2)
