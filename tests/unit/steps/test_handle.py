"""Handling a message: it reaches its step, and the job fails if the step can never succeed."""

import pytest

from shared.domain.errors import JobFails, MalformedMessage, Unavailable
from shared.domain.jobs import JobStatus
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob
from shared.steps.handle import Handle
from tests.unit.steps.world import World


def handling(world: World, error: Exception) -> Handle:
    """Make every step raise the error."""

    def step(_message: Message) -> None:
        raise error

    return Handle({StageJob: step, DeliverChunk: step, TearDownJob: step}, world.finish)


def test_a_message_that_this_function_does_not_take_is_malformed() -> None:
    world = World()
    with pytest.raises(MalformedMessage):
        Handle({StageJob: world.stage.run}, world.finish).run(TearDownJob("acme", "job"))


def test_what_can_never_succeed_fails_the_job_at_once_with_the_reason() -> None:
    world = World()
    job, messages = world.staged()
    with pytest.raises(JobFails):
        handling(world, JobFails("no such column")).run(messages[0])
    assert world.now(job).status is JobStatus.FAILED
    assert world.now(job).error_message == "no such column"


def test_what_may_succeed_later_changes_nothing() -> None:
    world = World()
    job, messages = world.staged()
    with pytest.raises(Unavailable):
        handling(world, Unavailable("Snowflake")).run(messages[0])
    assert world.now(job) == job


def test_a_teardown_that_can_not_succeed_leaves_the_ended_job_as_it_ended() -> None:
    world = World()
    job = world.cancel(world.accept())
    with pytest.raises(JobFails):
        handling(world, JobFails("may not delete topics")).run(TearDownJob("acme", job.job_id))
    assert world.now(job) == job


def test_a_message_that_is_handled_raises_nothing() -> None:
    world = World()
    job = world.accept()
    world.handle.run(StageJob("acme", job.job_id, 0))
    assert world.now(job).status is JobStatus.TRANSPORTING
