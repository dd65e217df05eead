"""Jobs that stand still: the sweep reports them, and publishes what no message would deliver."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

import pytest

from shared.domain.errors import AskedToWait, RetryLater, Unavailable
from shared.domain.events import JobStalled
from shared.domain.jobs import JobStatus
from shared.domain.messages import StageJob
from tests.fakes.examples import WEBHOOK, new_job
from tests.fakes.rows import Request
from tests.unit.steps.sweeps import later
from tests.unit.steps.world import LEASE, SWEEPING, World

PRODUCTION = (*(2.0**power for power in range(1, 10)), 600.0)  # seconds between a message's attempts


def unavailable(_request: Request) -> NoReturn:
    raise Unavailable("the webhook")


def stalled(world: World) -> list[JobStalled]:
    return [event for event in world.events if isinstance(event, JobStalled)]


def test_a_job_that_stands_still_has_its_undelivered_chunks_published_again() -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[1])
    assert later(world, 30) == []
    assert later(world, SWEEPING.stalled - 1) == []
    assert stalled(world) == []
    assert later(world, 1) == [StageJob("acme", job.job_id, 0)]
    assert stalled(world) == [JobStalled(organization_id="acme", job_id=job.job_id, chunks_left=2)]
    assert later(world, SWEEPING.stalled - 1) == []
    world.stage.run(StageJob("acme", job.job_id, 0))
    assert world.queue.taken() == [replace(messages[n], opening=2) for n in (0, 2)]


def test_a_chunk_that_takes_longer_than_that_is_left_to_its_delivery() -> None:
    world = World()
    job, messages = world.staged()
    assert later(world, 0) == []  # records how much is left
    for _ in range(3):
        world.clock.sleep(SWEEPING.stalled)
        lease = world.deliveries.take(job, messages[0].chunk, job.destinations[0].uid)
        assert lease is not None
        assert later(world, LEASE - 1) == []
    world.clock.sleep(1)  # whoever held the lease has died
    assert later(world, SWEEPING.stalled) == [StageJob("acme", job.job_id, 0)]


def test_while_a_destination_is_tried_no_other_messages_are_published() -> None:
    world = World()
    job, messages = world.staged()
    world.receiver.answer = unavailable
    assert later(world, 0) == []
    for _ in range(3):
        world.clock.sleep(SWEEPING.stalled - 1)
        with pytest.raises(RetryLater):
            world.deliver.run(messages[0])
        assert later(world, 1) == []
    assert later(world, SWEEPING.stalled) == [StageJob("acme", job.job_id, 0)]
    assert len(stalled(world)) == 4


def test_waiting_for_a_destination_is_no_fault() -> None:
    world = World()
    job, _ = world.staged()
    assert later(world, 0) == []
    until = world.clock.now() + timedelta(seconds=2 * SWEEPING.stalled)
    world.jobs.record_destination_error(job, WEBHOOK.uid, "it asks to wait", world.clock.now(), until)
    # Each message that met the wait has used up an attempt, so others take their place.
    assert later(world, SWEEPING.stalled) == [StageJob("acme", job.job_id, 0)]
    assert stalled(world) == []
    assert later(world, SWEEPING.stalled) == [StageJob("acme", job.job_id, 0)]
    assert len(stalled(world)) == 1  # the wait is over


def test_a_receiver_that_takes_one_batch_an_hour_has_every_row_in_the_end() -> None:
    world = World(rows=30, tries=100, backoffs=PRODUCTION)
    taken: list[datetime] = []

    def throttled(request: Request) -> None:
        left = 3600 - (world.clock.now() - taken[-1]).total_seconds() if taken else 0
        if left > 0:
            world.receiver.requests.remove(request)
            raise AskedToWait("the webhook", seconds=left)
        taken.append(world.clock.now())

    world.receiver.answer = throttled
    job = world.accept(new_job(time_created=world.clock.now(), webhook_batch_rows=1))
    world.run(hours=48)
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(taken) == len(world.receiver.rows()) == 30


def test_a_destination_that_never_answers_uses_up_the_attempts_of_the_jobs_messages() -> None:
    world = World(tries=100, backoffs=PRODUCTION)
    world.receiver.answer = unavailable
    job = world.accept()
    world.run(hours=24)
    ended = world.now(job)
    assert ended.status is JobStatus.FAILED
    assert ended.opening == 1
    assert ended.error_message is not None
    assert "could not be delivered in 100 attempts (webhook" in ended.error_message
    assert (ended.time_completed or world.clock.now()) - ended.time_created < timedelta(hours=17)


@pytest.mark.parametrize(("minutes", "reports"), [(5, 0), (14, 0), (17, 1), (60, 3)])
def test_a_dead_destination_is_reported_after_a_quarter_of_an_hour_however_many_lanes_wait(
    minutes: int, reports: int
) -> None:
    """The rate of retries depends on the lanes, and a lane that leaves a chunk behind retries nothing."""
    world = World()
    _, messages = world.staged()
    for _ in range(minutes):
        later(world, 60)
    assert len(stalled(world)) == reports
    for message in messages:
        world.deliver.run(message)
    later(world, 60)
    later(world, SWEEPING.stalled)
    assert len(stalled(world)) == reports
