"""Jobs that are cancelled while they stage: nothing continues, and nothing is left or comes back."""

import pytest

from shared.domain.catalog import BASE_TABLES, Catalog
from shared.domain.errors import BackfillError, LeftToOthers, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from tests.fakes.examples import KAFKA
from tests.unit.steps.staging import accepted, just_before, stage
from tests.unit.steps.world import ATTEMPTS, World


def tear_down(world: World, job: Job) -> None:
    world.tear_down.run(TearDownJob(job.organization_id, job.job_id))


def cancel_and_tear_down(world: World, job: Job) -> None:
    world.cancel(job)
    tear_down(world, job)


def test_a_job_cancelled_while_its_unload_is_submitted_leaves_no_query_running() -> None:
    world = World(polls=1000)
    job = accepted(world)
    just_before(world, world.warehouse, "submit", lambda: world.cancel(job))
    with pytest.raises(StaleMessage):
        stage(world, job)
    assert world.warehouse.aborted == list(world.warehouse.queries)
    assert world.now(job).require_attempt().query_id in world.warehouse.queries


def test_an_unload_submitted_after_its_jobs_teardown_is_torn_down_as_well() -> None:
    """Its submitter stopped for longer than a claim lives."""
    world = World(polls=1000)
    job = accepted(world)

    def torn_down() -> None:
        world.cancel(job)
        world.clock.sleep(ATTEMPTS.claim)
        tear_down(world, job)
        assert world.now(job).torn_down

    just_before(world, world.warehouse, "submit", torn_down)
    with pytest.raises(StaleMessage):
        stage(world, job)
    assert world.warehouse.aborted == list(world.warehouse.queries)
    assert not world.now(job).torn_down
    tear_down(world, job)
    assert world.now(job).torn_down


@pytest.mark.parametrize("catalog", [BASE_TABLES, Catalog(())])
def test_a_job_cancelled_and_torn_down_while_its_topic_is_created_leaves_no_topic(catalog: Catalog) -> None:
    world = World(catalog=catalog)
    job = accepted(world)
    just_before(world, world.topics, "ensure", lambda: cancel_and_tear_down(world, job))
    with pytest.raises(BackfillError):
        stage(world, job)
    assert world.now(job).torn_down
    assert world.broker.topics == set()


def test_a_topic_is_not_created_again_when_a_cancel_has_ended_the_unload() -> None:
    """A torn down job has no topics, not even until the staging message removes them."""
    world = World(polls=1000)
    job = accepted(world)
    just_before(world, world.warehouse, "state", lambda: cancel_and_tear_down(world, job))
    with pytest.raises(LeftToOthers, match="cancelled"):
        stage(world, job)
    assert world.faults.calls.count("FakeTopics.ensure") == 1
    assert world.faults.calls.count("FakeTopics.remove") == 1
    assert world.broker.topics == set()


def test_a_topic_created_just_before_a_crash_goes_when_the_cancelled_jobs_message_comes_again() -> None:
    world = World()
    job = accepted(world)
    cancel_and_tear_down(world, job)
    world.topics.ensure(job, KAFKA)
    stage(world, job)
    assert world.broker.topics == set()


def test_a_manifest_that_comes_after_the_cancel_publishes_nothing() -> None:
    world = World()
    job = accepted(world)
    just_before(world, world.warehouse, "files", lambda: world.cancel(job))
    with pytest.raises(StaleMessage):
        stage(world, job)
    world.run()
    assert world.now(job).status is JobStatus.CANCELLED
    assert world.files.contents == {}
    assert world.log.rows() == []
