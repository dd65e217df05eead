"""What Kafka has of a paused job is read during the pause, which may outlast the markers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain import transitions
from shared.domain.errors import Busy, StateConflict, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import DeliverChunk, TearDownJob
from shared.steps.heartbeat import Heartbeat
from shared.steps.records import Lease
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.unit.steps.staging import accepted, stage
from tests.unit.steps.world import KEPT, SWEEPING, World

KAFKA_ONLY = (KAFKA,)


def died_after_kafkas_commit(world: World) -> tuple[Job, list[DeliverChunk]]:
    """Return a job of one chunk in Kafka that is not recorded."""
    job, messages = world.staged(new_job(destinations=KAFKA_ONLY, time_created=world.clock.now()))
    world.faults.instead["FakeLease.done"] = _unavailable
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    world.queue.taken()
    return job, messages


def test_what_kafka_has_of_a_paused_job_is_recorded_before_its_markers_go() -> None:
    world = World()
    job, _ = died_after_kafkas_commit(world)
    world.pause(job)
    assert world.queue.taken() == [TearDownJob("acme", job.job_id)]
    world.handle.run(TearDownJob("acme", job.job_id))
    assert world.jobs.counts(job) == Counts(2, 8)
    assert world.now(job).reconciled
    world.clock.sleep((KEPT.markers + timedelta(days=1)).total_seconds())
    world.log.committed.clear()
    assert world.resume(job).reconciled is False
    world.run()
    assert len(world.log.rows()) == 8, "what was forgotten on purpose came a second time"


def test_it_waits_for_deliveries_that_are_still_stopping() -> None:
    world = World()
    job, _ = died_after_kafkas_commit(world)
    world.pause(job)
    lease = world.deliveries.take(job, 1, KAFKA.uid)
    assert lease is not None
    world.clock.sleep(0)
    just_renewed: Any = lease.renew
    world.tear_down = replace(world.tear_down, sleep=lambda _seconds: just_renewed())
    with pytest.raises(Busy):
        world.tear_down.run(TearDownJob("acme", job.job_id))
    assert not world.now(job).reconciled


@pytest.mark.parametrize("staged", [True, False])
def test_where_nothing_can_be_in_kafka_or_all_is_known_nothing_is_asked(*, staged: bool) -> None:
    world = World(polls=0 if staged else 1000)
    job = world.staged()[0] if staged else stage(world, accepted(world))
    world.pause(job)
    for _ in range(2):
        world.handle.run(TearDownJob("acme", job.job_id))
    assert world.now(job).reconciled is staged
    assert world.faults.calls.count("FakeDeliveries.begun") == int(staged)


def test_the_sweep_asks_for_it_again() -> None:
    world = World()
    job, _ = died_after_kafkas_commit(world)
    world.queue.down = True
    world.pause(job)
    world.queue.down = False
    world.sweep.run()
    assert world.queue.taken() == []
    world.clock.sleep(SWEEPING.tear_down)
    world.sweep.run()
    assert world.queue.taken() == [TearDownJob("acme", job.job_id)]
    world.handle.run(TearDownJob("acme", job.job_id))
    world.clock.sleep(SWEEPING.tear_down)
    world.sweep.run()
    assert world.queue.taken() == []


def test_what_was_found_out_too_late_or_for_an_earlier_pause_does_not_count() -> None:
    world = World()
    job, _ = died_after_kafkas_commit(world)
    paused = world.pause(job)
    world.clock.sleep((KEPT.markers + timedelta(seconds=1)).total_seconds())
    world.log.committed.clear()
    world.handle.run(TearDownJob("acme", job.job_id))
    assert not world.now(job).reconciled
    assert paused.time_paused is not None
    assert not transitions.reconcile_pause(paused, paused.time_paused - timedelta(seconds=1)).reconciled


@pytest.mark.parametrize(
    ("pause", "destinations", "reason"),
    [
        (KEPT.markers + timedelta(seconds=1), KAFKA_ONLY, "which of its rows kafka transfers has"),
        (KEPT.staged_files + timedelta(seconds=1), (WEBHOOK,), "staged files are gone"),
    ],
)
def test_a_pause_that_outlasts_what_the_job_needs_is_refused_its_end(
    pause: timedelta, destinations: Any, reason: str
) -> None:
    world = World()
    job, _ = world.staged(new_job(destinations=destinations, time_created=world.clock.now()))
    world.pause(job)
    world.clock.sleep(pause.total_seconds())
    with pytest.raises(StateConflict, match=f"The job is paused.*{reason}"):
        world.resume(job)
    assert world.now(job).paused
    assert world.cancel(job).status is JobStatus.CANCELLED


def _unavailable(*_: object) -> None:
    raise Unavailable("the job store")


def test_what_a_late_handler_commits_after_the_pause_was_looked_into_is_found_at_the_end() -> None:
    """It read the job before the pause, and took its lease after the pause's teardown. A small chunk commits
    before its heartbeat looks at the job.
    """
    world = World()
    job, messages = world.staged(new_job(destinations=KAFKA_ONLY, time_created=world.clock.now()))

    def late(*place: Any) -> Any:
        world.pause(job)
        for message in world.queue.taken():
            world.handle.run(message)
        return world.deliveries.take(*place)

    def heartbeat(job: Job, lease: Lease, deadline: float) -> Heartbeat:
        return Heartbeat(
            lease,
            lambda: world.jobs.wanted(job),
            lease_length=15.0,
            status_pause=2.0,
            deadline=deadline,
            monotonic=world.clock.monotonic,
        )

    world.deliver = replace(world.deliver, keep_alive=heartbeat)
    world.faults.instead["FakeDeliveries.take"] = late
    world.faults.instead["FakeLease.done"] = _unavailable
    with pytest.raises(Unavailable):
        world.deliver.run(messages[0])
    assert world.now(job).reconciled
    assert len(world.log.rows()) == 5
    world.finish.fail("acme", job.job_id, "why", retry=0)
    [tear_down] = world.queue.taken()
    world.handle.run(tear_down)
    assert world.now(job).torn_down
    assert world.jobs.counts(job) == Counts(2, 8)
    world.clock.sleep((KEPT.markers + timedelta(days=1)).total_seconds())
    world.log.committed["forgotten", 0] = world.log.committed.pop((job.require_attempt().attempt_id, 0))
    world.retry(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.log.rows()) == 13
