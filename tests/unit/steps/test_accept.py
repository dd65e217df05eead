"""Accepting a job: it is recorded and published, or the client gets 503 and it never runs."""

import pytest

from shared.domain.errors import Busy, Unavailable
from shared.domain.idempotency import idempotency
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob
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


def test_a_job_that_staging_has_claimed_is_accepted_though_its_confirmation_was_not_answered() -> None:
    """It was confirmed: removing the job would export it for nobody."""
    faults, world = Faults(), World()
    job = new_job(time_created=world.clock.now())

    def answer_lost(confirmed: Job) -> None:
        world.jobs.confirm(confirmed)
        world.stage.run(StageJob(job.organization_id, job.job_id, 0))
        raise Unavailable("the job store")

    faults.instead["FakeJobs.confirm"] = answer_lost
    accepted = accept(job, [], jobs=faults.guard(world.jobs), publisher=world.queue)
    assert accepted.confirmed
    assert world.now(job).status is JobStatus.TRANSPORTING


def test_a_job_that_is_being_staged_is_not_taken_back_from_under_its_topic() -> None:
    """A removed job would leave behind a topic that was created and not yet claimed."""
    faults, world = Faults(), World()
    job = new_job(time_created=world.clock.now())

    def answer_lost(confirmed: Job) -> None:
        world.jobs.confirm(confirmed)
        world.warehouse.down = True
        with pytest.raises(Unavailable):
            world.stage.run(StageJob(job.organization_id, job.job_id, 0))
        world.warehouse.down = False
        raise Unavailable("the job store")

    faults.instead["FakeJobs.confirm"] = answer_lost
    assert accept(job, [], jobs=faults.guard(world.jobs), publisher=world.queue).confirmed
    assert world.broker.topics == {"beam.acme.transfers"}
    world.cancel(job)
    world.run()
    assert world.broker.topics == set()


@pytest.mark.parametrize(("at", "fault"), [(1, Fault.LOST_ANSWER), (2, Fault.OUTAGE)])
@pytest.mark.parametrize("hours", [0, 1])
def test_a_client_that_heard_503_gets_no_rows_though_the_job_can_not_be_taken_back(
    at: int, fault: Fault, hours: int
) -> None:
    """The message is published, then the job store fails: the job is neither confirmed nor removed."""
    faults, world = Faults(at, fault), World()
    faults.strike(at + 1, Fault.OUTAGE)
    with pytest.raises(Unavailable):
        accept(
            new_job(time_created=world.clock.now()),
            [],
            jobs=faults.guard(world.jobs),
            publisher=faults.guard(world.queue),
        )
    assert faults.calls[-1] == "FakeJobs.remove_unconfirmed"
    assert len(world.queue.waiting) == len(world.jobs.stored) == 1
    world.clock.sleep(hours * 3600)
    world.run()
    assert world.jobs.stored == {}
    assert world.warehouse.queries == {}
    assert world.broker.topics == set()


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


def test_a_job_that_the_sweep_took_back_while_its_message_was_published_is_sent_again() -> None:
    faults, world = Faults(), World()
    job = new_job(time_created=world.clock.now())

    def too_late(new: Job) -> None:
        world.jobs.remove_unconfirmed(new)
        world.jobs.confirm(new)

    faults.instead["FakeJobs.confirm"] = too_late
    with pytest.raises(Busy, match="send it again"):
        accept(job, [], jobs=faults.guard(world.jobs), publisher=world.queue)
    assert world.jobs.stored == {}


KEYED = idempotency("march", "a request")


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("first_dies_at", [1, 2])
def test_whatever_fails_in_asking_again_there_is_one_job_or_none(fault: Fault, first_dies_at: int) -> None:
    """The first request was interrupted before it published, or before it confirmed."""
    at = 0
    while True:
        world, first = World(), Faults(first_dies_at, Fault.KILLED_BEFORE)
        told = [_ask(world, first), _ask(world, faults := Faults(at, fault))]
        if told[1] == "":
            told.append(_ask(world, Faults()))
        world.run()
        done = [stored.job for stored in world.jobs.stored.values()]
        assert all(job.status is JobStatus.COMPLETED for job in done)
        assert {job.job_id for job in done} >= set(told) - {""}
        assert len(done) <= 1
        if not faults.happened:
            break
        at += 1
    assert at == 4


def _ask(world: World, faults: Faults) -> str:
    """Return the answered job's id; None without an answer, or after 503."""
    job = new_job(time_created=world.clock.now(), idempotency=KEYED)
    try:
        return accept(job, [], jobs=faults.guard(world.jobs), publisher=faults.guard(world.queue)).job_id
    except (Unavailable, Killed):
        return ""


def test_a_job_that_the_sweep_took_back_while_it_was_asked_for_again_is_sent_again() -> None:
    faults, world = Faults(), World()
    _ask(world, Faults(1, Fault.KILLED_BEFORE))
    [first] = [stored.job for stored in world.jobs.stored.values()]

    def too_late(job: Job) -> None:
        assert job == first
        world.jobs.remove_unconfirmed(job)
        world.jobs.confirm(job)

    faults.instead["FakeJobs.confirm"] = too_late
    again = new_job(time_created=world.clock.now(), idempotency=KEYED)
    with pytest.raises(Busy, match="send it again"):
        accept(again, [], jobs=faults.guard(world.jobs), publisher=world.queue)
    assert world.jobs.stored == {}
