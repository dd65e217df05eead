"""Dead letters: a message out of attempts fails its job with the reason, or changes nothing."""

from dataclasses import replace

import pytest

from shared.domain.errors import Busy, StaleMessage, Unavailable
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob, TearDownJob, from_data, to_data
from tests.fakes.examples import WEBHOOK, new_job
from tests.fakes.rows import Request
from tests.unit.steps.world import World


def begun(world: World, job: Job, chunk: int) -> None:
    """Start a delivery of the chunk, and release it."""
    lease = world.deliveries.take(job, chunk, WEBHOOK.uid)
    assert lease is not None
    lease.release()


def test_a_chunk_that_could_not_be_delivered_fails_the_job_with_the_destinations_errors() -> None:
    world = World()
    job, messages = world.staged()
    begun(world, job, 1)
    world.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", world.clock.now())
    world.dead_letter.run(messages[1], 5)
    assert world.now(job).status is JobStatus.FAILED
    assert world.now(job).error_message == (
        "Chunk 1 could not be delivered in 5 attempts (webhook hook: it answered 500)"
    )


def test_a_chunk_that_failed_without_a_word_fails_the_job_too() -> None:
    world = World()
    job, messages = world.staged()
    begun(world, job, 1)
    world.dead_letter.run(messages[1], 5)
    assert "its destinations did not answer" in (world.now(job).error_message or "")


def test_a_chunk_that_waited_in_vain_for_an_instance_is_published_again_and_its_job_goes_on() -> None:
    """Other messages had all instances: a message that never ran says nothing about its destinations."""
    world = World()
    job, messages = world.staged()
    with pytest.raises(StaleMessage):
        world.dead_letter.run(messages[1], 100)
    assert world.now(job) == job
    for message in (messages[0], messages[2]):
        world.deliver.run(message)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.log.rows()) == 13


def test_a_job_that_could_not_be_staged_fails() -> None:
    world = World()
    job = world.accept()
    world.dead_letter.run(StageJob("acme", job.job_id, 0), 7)
    assert world.now(job).error_message == "The export could not be started in 7 attempts; try again later"


def test_a_job_that_was_never_confirmed_is_left_to_be_removed() -> None:
    """Its client got 503, or nothing: nobody needs the failure."""
    world = World()
    job = new_job()
    world.jobs.create(job, [])
    with pytest.raises(StaleMessage):
        world.dead_letter.run(StageJob("acme", job.job_id, 0), 7)
    assert world.now(job) == job


def test_a_destination_that_never_answers_fails_the_job_in_the_end() -> None:
    world = World()
    job = world.accept()

    def down(_request: Request) -> None:
        raise Unavailable("the webhook")

    world.receiver.answer = down
    world.run()
    assert world.now(job).status is JobStatus.FAILED
    assert "webhook hook: the webhook is not available" in (world.now(job).error_message or "")
    assert len(world.log.rows()) == len(set(world.log.rows()))


def test_a_dead_letter_of_a_chunk_that_is_still_being_sent_waits_for_its_sender() -> None:
    world = World()
    job, messages = world.staged()
    lease = world.deliveries.take(job, 1, WEBHOOK.uid)
    assert lease is not None
    with pytest.raises(Busy):
        world.dead_letter.run(messages[1], 5)
    assert world.now(job).status is JobStatus.TRANSPORTING
    begun(world, job, 2)
    world.dead_letter.run(messages[2], 5)
    assert world.now(job).status is JobStatus.FAILED


def test_a_dead_letter_of_a_chunk_that_arrived_after_all_changes_nothing() -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[0])
    for message in (messages[0], replace(messages[0], chunk=9)):
        with pytest.raises(StaleMessage):
            world.dead_letter.run(message, 5)
    assert world.now(job) == job


def test_dead_letters_of_other_attempts_and_ended_stagings_change_nothing() -> None:
    world = World()
    job, messages = world.staged()
    staging = world.accept()
    for message in (
        replace(messages[0], attempt_id="gone"),
        replace(messages[0], job_id=staging.job_id),
        StageJob("acme", job.job_id, 0),
        TearDownJob("acme", job.job_id),
    ):
        with pytest.raises(StaleMessage):
            world.dead_letter.run(message, 5)
    assert (world.now(job), world.now(staging)) == (job, staging)


def test_a_dead_letter_of_an_earlier_retry_changes_nothing() -> None:
    world = World()
    job, messages = world.staged()
    begun(world, job, 0)
    job = replace(job, retry=1)
    world.jobs.stored["acme", job.job_id].job = job
    world.dead_letter.run(messages[0], 5)
    assert world.now(job) == job


def test_a_dead_letter_fails_no_paused_job() -> None:
    """Its resume publishes the chunk again."""
    world = World()
    job, messages = world.staged()
    begun(world, job, 0)
    paused = world.pause(job)
    with pytest.raises(StaleMessage):
        world.dead_letter.run(messages[0], 100)
    assert world.now(job) == paused
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("opened", [True, False], ids=["opened", "to be opened"])
def test_a_dead_letter_from_before_a_pause_fails_no_resumed_job(*, opened: bool) -> None:
    """The new message of the chunk has had no attempt yet."""
    world = World()
    job, messages = world.staged()
    begun(world, job, 0)
    world.pause(job)
    world.queue.taken()
    world.resume(job)
    if opened:
        for message in world.queue.taken():
            world.handle.run(message)
    with pytest.raises(StaleMessage):
        world.dead_letter.run(messages[0], 100)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_pause_that_comes_while_a_dead_letter_is_handled_is_in_time() -> None:
    world = World()
    job, messages = world.staged()
    begun(world, job, 0)
    world.jobs.between = lambda: world.pause(job)
    world.dead_letter.run(messages[0], 100)
    assert (world.now(job).status, world.now(job).paused) == (JobStatus.TRANSPORTING, True)


@pytest.mark.parametrize("polls", [0, 1000], ids=["no unload", "an unload"])
def test_a_dead_letter_fails_no_paused_staging_and_nothing_is_left_behind(polls: int) -> None:
    world = World(polls=polls)
    job = world.accept()
    [message] = world.queue.taken()
    if polls:
        world.handle.run(message)
    world.pause(job)
    with pytest.raises(StaleMessage, match="paused"):
        world.dead_letter.run(message, 100)
    for query in world.warehouse.queries.values():
        query.polls_left = 0
    world.run(hours=1)
    assert world.now(job).status is (JobStatus.TRANSPORTING if polls else JobStatus.STAGING)
    world.resume(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("polls", [0, 1000], ids=["no unload", "an unload"])
def test_a_stagings_dead_letter_from_before_a_pause_fails_no_resumed_job(polls: int) -> None:
    """The resume has published a new message, which has had no attempt yet."""
    world = World(polls=polls)
    job = world.accept()
    [old] = world.queue.taken()
    if polls:
        world.handle.run(old)
    for message in (old, old):
        world.pause(job)
        resumed = world.resume(job)
        [new] = world.queue.taken()
        with pytest.raises(StaleMessage, match="resumed since"):
            world.dead_letter.run(message, 100)
        assert world.now(job) == resumed
    world.dead_letter.run(new, 100)
    assert world.now(job).status is JobStatus.FAILED


def test_a_dead_letter_of_an_older_release_fails_the_staging_that_it_resumed() -> None:
    """Neither its messages nor its resumes have a number."""
    world = World()
    job = world.accept()
    [message] = world.queue.taken()
    world.pause(job)
    world.change(job, lambda job: replace(job, time_paused=None, time_resumed=world.clock.now()))
    world.dead_letter.run(from_data(to_data(message)), 100)
    assert world.now(job).status is JobStatus.FAILED


def test_a_resume_that_comes_while_a_stagings_dead_letter_is_handled_is_in_time() -> None:
    world = World()
    job = world.accept()
    [message] = world.queue.taken()

    def pause_and_resume() -> None:
        world.pause(job)
        world.resume(job)

    world.jobs.between = pause_and_resume
    world.dead_letter.run(message, 100)
    assert world.now(job).status is JobStatus.STAGING


def test_a_pause_that_comes_while_a_stagings_dead_letter_is_handled_is_in_time() -> None:
    world = World()
    job = world.accept()
    [message] = world.queue.taken()
    world.jobs.between = lambda: world.pause(job)
    world.dead_letter.run(message, 100)
    assert (world.now(job).status, world.now(job).paused) == (JobStatus.STAGING, True)
