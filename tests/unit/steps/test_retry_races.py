"""Work from before a retry that is still running, and faults in the middle of one."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from shared.domain.errors import DestinationRefused, JobFails, LeftToOthers, StaleMessage, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import DeliverChunk, StageJob, TearDownJob
from shared.steps.retry import retry
from tests.fakes.examples import WEBHOOK
from tests.fakes.faults import Fault, Faults, Killed
from tests.fakes.rows import Request
from tests.unit.steps.test_retry import ALL_ROWS, failed, failed_in_staging, failed_in_transport
from tests.unit.steps.world import KEPT, SWEEPING, World


def test_a_stage_message_of_an_earlier_retry_does_nothing() -> None:
    world = World()
    job = world.retry(failed_in_transport(world))
    world.queue.taken()
    with pytest.raises(StaleMessage):
        world.stage.run(StageJob("acme", job.job_id, 0))
    assert world.queue.waiting == []


def test_no_unload_begins_while_that_from_before_the_retry_is_still_ending() -> None:
    """Files that it writes before its end would remain after the removal of the job's files."""
    world = World()
    job = world.retry(failed_in_staging(world))
    world.faults.instead["FakeWarehouse.abort"] = lambda _query_id: None
    with pytest.raises(LeftToOthers):
        world.stage.run(StageJob("acme", job.job_id, 1))
    assert (world.now(job).attempts, len(world.warehouse.queries)) == (0, 1)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_chunks_message_of_an_earlier_retry_is_as_good() -> None:
    """The attempt and the rows are the same: a slow message is still valid."""
    world = World()
    job = world.retry(failed_in_transport(world))
    attempt_id = job.require_attempt().attempt_id
    world.deliver.run(DeliverChunk("acme", job.job_id, attempt_id, 0, 0, job.opening))
    assert world.jobs.counts(job) == Counts(1, 3)


def test_a_failure_of_an_earlier_retry_changes_nothing() -> None:
    world = World()
    job = world.retry(failed_in_transport(world))
    attempt_id = job.require_attempt().attempt_id

    def refuse(_request: Request) -> None:
        raise DestinationRefused("it answered 410")

    world.receiver.answer = refuse
    with pytest.raises(JobFails):
        world.handle.run(DeliverChunk("acme", job.job_id, attempt_id, 0, 0, job.opening))
    assert world.now(job) == job
    with pytest.raises(JobFails):
        world.handle.run(DeliverChunk("acme", job.job_id, attempt_id, 1, 0, job.opening))
    assert world.now(job).status is JobStatus.FAILED


def test_dead_letters_of_an_earlier_retry_change_nothing() -> None:
    world = World()
    staging, transporting = failed_in_staging(world), failed_in_transport(world)
    attempt_id = transporting.require_attempt().attempt_id
    lease = world.deliveries.take(transporting, 0, WEBHOOK.uid)
    assert lease is not None
    lease.release()
    for job, message in (
        (staging, StageJob("acme", staging.job_id, 0)),
        (transporting, DeliverChunk("acme", transporting.job_id, attempt_id, retry=0, chunk=0)),
    ):
        retried = world.retry(job)
        with suppress(StaleMessage):
            world.dead_letter.run(message, 5)
        assert world.now(job) == retried


def test_a_teardown_under_way_when_its_job_is_retried_leaves_it_going_on() -> None:
    """The sweep would never check a job marked as torn down."""
    world = World()
    job = failed_in_transport(world)

    world.faults.instead["FakeJobs.change"] = lambda organization_id, job_id, transition: (
        world.retry(job) and world.jobs.change(organization_id, job_id, transition)
    )
    world.tear_down.run(TearDownJob("acme", job.job_id))
    now = world.now(job)
    assert (now.status, now.retry, now.torn_down) == (JobStatus.TRANSPORTING, 1, False)


def test_a_teardown_of_an_earlier_failure_is_not_that_of_a_later_one() -> None:
    world = World()
    job = failed_in_transport(world)
    world.faults.instead["FakeJobs.change"] = lambda organization_id, job_id, transition: (
        failed(world, world.retry(job)) and world.jobs.change(organization_id, job_id, transition)
    )
    world.tear_down.run(TearDownJob("acme", job.job_id))
    assert (world.now(job).retry, world.now(job).torn_down) == (1, False)


def test_a_teardown_message_that_comes_after_the_retry_is_stale() -> None:
    world = World()
    job = world.retry(failed_in_transport(world))
    with pytest.raises(StaleMessage):
        world.tear_down.run(TearDownJob("acme", job.job_id))


@pytest.mark.parametrize("limit", [SWEEPING.staging, SWEEPING.job])
def test_limits_of_time_begin_anew_with_a_retry(limit: float) -> None:
    world = World()
    job = failed_in_staging(world) if limit == SWEEPING.staging else failed_in_transport(world)
    world.clock.sleep(limit)
    world.retry(job)
    world.sweep.run()
    assert not world.now(job).status.is_terminal
    world.clock.sleep(limit)
    world.sweep.run()
    assert world.now(job).status is JobStatus.FAILED


def test_a_retry_that_was_just_asked_for_is_not_asked_for_again_at_once() -> None:
    world = World()
    job = failed(world, world.accept())
    world.clock.sleep(3600)
    job = world.retry(job)
    world.queue.taken()
    world.sweep.run()
    assert world.queue.waiting == []
    world.clock.sleep(SWEEPING.nudge)
    world.sweep.run()
    assert world.queue.waiting == [StageJob("acme", job.job_id, 1)]


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("fail", [failed_in_staging, failed_in_transport])
def test_whatever_fails_in_a_retry_the_job_is_failed_still_or_completes(
    fail: Callable[[World], Job], fault: Fault
) -> None:
    """After a success, it completes. After 503 or no answer, either holds, and a client may repeat the
    request.
    """
    at = 0
    while True:
        faults, world, told = Faults(at, fault), World(), False
        job = fail(world)
        jobs, queue = faults.guard(world.jobs), faults.guard(world.queue)
        with suppress(Unavailable, Killed):
            retry("acme", job.job_id, jobs=jobs, publisher=queue, now=world.clock.now(), kept=KEPT)
            told = True
        world.run()
        if world.now(job).status is JobStatus.FAILED:
            assert not told
            world.retry(job)
            world.run()
        assert world.now(job).status is JobStatus.COMPLETED
        assert sorted(world.log.rows()) == sorted(world.receiver.rows()) == ALL_ROWS
        assert world.jobs.counts(job) == Counts(0, 0)
        if not faults.happened:
            break
        at += 1
    assert at == 5


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("polls", [0, 60], ids=["quick unload", "slow unload"])
def test_a_job_that_fails_at_any_moment_and_is_retried_at_once_arrives_whole(
    polls: int, fault: Fault
) -> None:
    """It fails and is retried after this many steps; the fault happens after that."""
    retried = 0
    for steps in range(14):
        faults = Faults()
        world = World(polls=polls, faults=faults, seed=steps)
        job = world.accept()
        for _ in range(steps):
            world.step()
        if world.finish.fail("acme", job.job_id, "why", retry=0).status is JobStatus.FAILED:
            world.retry(job)
            retried += 1
        faults.strike(len(faults.calls), fault)
        world.run()
        assert world.now(job).status is JobStatus.COMPLETED, world.now(job).error_message
        assert sorted(world.log.rows()) == ALL_ROWS
        assert sorted(set(world.receiver.rows())) == ALL_ROWS
        assert world.jobs.counts(job) == Counts(0, 0)
        assert world.files.contents == {}
        assert world.warehouse.running() == []
    assert retried >= 5
