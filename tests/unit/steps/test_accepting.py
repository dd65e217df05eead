"""Accepting a job: both recorded and published, or a 503 and a job that never runs."""

import pytest

from shared.errors import Unavailable
from shared.jobs import JobStatus
from shared.messages import StageJob
from shared.steps.accept import accept
from tests.fakes.examples import new_job
from tests.fakes.faults import Fault, Faults, Killed
from tests.unit.steps.world import World


def test_an_accepted_job_is_recorded_confirmed_and_asked_to_be_staged() -> None:
    world = World()
    job = world.accept()
    assert world.now(job) == job
    assert job.confirmed
    assert world.queue.waiting == [StageJob("acme", job.job_id, 0)]


def test_a_job_whose_message_is_not_known_to_be_published_never_runs() -> None:
    world = World()
    world.queue.down = True
    with pytest.raises(Unavailable):
        world.accept()
    assert world.jobs.stored == {}


def test_a_job_that_staging_has_claimed_already_is_accepted_whatever_the_queue_said() -> None:
    """The message did get through: taking the job back would export it for nobody."""
    world = World()
    job = new_job(time_created=world.clock.now())

    class AnswerLost:
        def publish(self, *_: object) -> None:
            world.stage.run(StageJob(job.organization_id, job.job_id, 0))
            raise Unavailable("the message queue")

    accepted = accept(job, [], jobs=world.jobs, publisher=AnswerLost())
    assert accepted.confirmed
    assert world.now(job).status is JobStatus.TRANSPORTING


@pytest.mark.parametrize("fault", Fault)
def test_whatever_fails_in_accepting_the_client_is_never_told_of_a_job_that_does_not_run(
    fault: Fault,
) -> None:
    """Told yes, the job completes. Told 503, nothing runs and nothing is left. Told nothing, it is one
    or the other, and never a job that nobody looks after.
    """
    at = 0
    while True:
        faults, world = Faults(at, fault), World()
        job, told = new_job(time_created=world.clock.now()), ""
        try:
            accept(job, [], jobs=faults.guard(world.jobs), publisher=faults.guard(world.queue))
            told = "yes"
        except Unavailable:
            told = "503"
        except Killed:
            told = "nothing"
        world.run()
        left = world.jobs.get(job.organization_id, job.job_id)
        assert left is None or left.status is JobStatus.COMPLETED
        if told == "yes":
            assert left is not None
        if told == "503":
            assert left is None
            assert world.warehouse.queries == {}
        if not faults.happened:
            break
        at += 1
    assert at == 3
