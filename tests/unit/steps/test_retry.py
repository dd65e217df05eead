"""Retrying: a failed job continues with its undelivered chunks, and only while that is safe."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from shared.domain.destination import AT_LEAST_ONCE, Destination
from shared.domain.errors import DestinationRefused, JobUnknown, StateConflict, TooManyJobs, UnloadRefused
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob, TearDownJob
from tests.fakes.destinations import kafka
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.fakes.rows import Request
from tests.unit.steps.world import KEPT, World

ALL_ROWS = sorted((chunk, row) for chunk, rows in enumerate((5, 5, 3)) for row in range(rows))


def failed(world: World, job: Job, message: str = "why") -> Job:
    return world.finish.fail(job.organization_id, job.job_id, message, retry=job.retry)


def failed_in_transport(world: World, job: Job | None = None) -> Job:
    """Return a job of three chunks, the second of which is delivered."""
    job, messages = world.staged(job)
    world.deliver.run(messages[1])
    job = failed(world, job)
    world.queue.taken()
    return job


def failed_in_staging(world: World) -> Job:
    """Return a job whose first unload still runs; the next ones are quick."""
    job = world.accept()
    world.queue.taken()
    world.warehouse.polls = 1000
    world.stage.run(StageJob("acme", job.job_id, 0))
    world.warehouse.polls = 0
    job = failed(world, job)
    world.queue.taken()
    return job


def test_a_job_that_failed_in_transport_goes_on_with_only_what_is_not_delivered() -> None:
    world = World()
    job = world.retry(failed_in_transport(world))
    assert (job.status, job.retry) == (JobStatus.TRANSPORTING, 1)
    assert (job.error_message, job.time_completed, job.torn_down) == (None, None, False)
    assert world.queue.waiting == [StageJob("acme", job.job_id, 1)]
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert sorted(world.log.rows()) == ALL_ROWS
    assert sorted(world.receiver.rows()) == ALL_ROWS
    assert len(world.warehouse.queries) == 1


def test_a_job_that_failed_in_staging_stages_again_from_an_attempt_of_its_own() -> None:
    world = World()
    world.warehouse.errors = [UnloadRefused("There is no such column")]
    job = world.accept()
    world.run()
    job = world.now(job)
    assert (job.status, job.error_message) == (JobStatus.FAILED, "There is no such column")
    again = world.retry(job)
    assert (again.status, again.retry, again.attempts) == (JobStatus.STAGING, 1, 0)
    assert (again.error_message, again.time_completed, again.torn_down) == (None, None, False)
    world.run()
    ended = world.now(job)
    assert ended.status is JobStatus.COMPLETED
    assert ended.require_attempt().attempt_id != job.require_attempt().attempt_id
    assert sorted(world.receiver.rows()) == ALL_ROWS


def test_a_job_that_failed_before_it_had_an_attempt_stages_from_its_first() -> None:
    world = World()
    job = failed(world, world.accept())
    world.queue.taken()
    world.retry(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("recorded", [True, False], ids=["id recorded", "id never written down"])
def test_a_query_from_before_the_retry_is_ended(recorded: bool) -> None:  # noqa: FBT001 - a case
    """Its teardown has not run yet."""
    world = World()
    job = failed_in_staging(world)
    [query] = world.warehouse.queries.values()
    if not recorded:
        forgotten = replace(job.require_attempt(), query_id=None)
        job = world.change(job, partial(replace, attempt=forgotten))
    world.retry(job)
    world.stage.run(StageJob("acme", job.job_id, 1))
    assert world.warehouse.aborted == [query.query_id]
    assert len(world.warehouse.queries) == 2


def test_an_attempt_from_before_the_retry_that_never_had_a_query_is_replaced() -> None:
    world = World()
    job = failed_in_staging(world)
    assert job.num_chunks is None
    world.warehouse.queries.clear()
    job = world.change(job, partial(replace, attempt=replace(job.require_attempt(), query_id=None)))
    world.retry(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


def test_a_retried_job_has_all_its_staging_attempts_again() -> None:
    world = World()
    job = failed_in_staging(world)
    job = world.change(job, partial(replace, attempts=3))
    world.retry(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("status", set(JobStatus) - {JobStatus.FAILED})
def test_a_job_that_has_not_failed_refuses_naming_its_state(status: JobStatus) -> None:
    world = World()
    job, _ = world.staged()
    job = world.change(job, partial(replace, status=status))
    with pytest.raises(StateConflict, match=status.value):
        world.retry(job)
    assert world.now(job) == job


def test_a_job_of_another_organization_or_one_that_may_never_run_is_unknown() -> None:
    world = World()
    unconfirmed = new_job()
    world.jobs.create(unconfirmed, [])
    for job in (new_job(), unconfirmed):
        with pytest.raises(JobUnknown):
            world.retry(job)


def failed_with_nothing_left(world: World) -> Job:
    """Return a job that failed while its last chunk was being counted."""
    job, messages = world.staged()
    for message in messages:
        world.faults.instead["FakeChunks.count_down"] = lambda job, chunk: (
            failed(world, job) and world.chunks.count_down(job, chunk)
        )
        world.jobs.stored["acme", job.job_id].job = job
        world.deliver.run(message)
    world.queue.taken()
    return world.now(job)


def test_a_job_of_which_nothing_is_left_completes_at_once_however_long_ago_it_failed() -> None:
    world = World()
    job = failed_with_nothing_left(world)
    assert job.status is JobStatus.FAILED
    world.clock.sleep(timedelta(days=400).total_seconds())
    again = world.retry(job)
    assert (again.status, again.time_completed) == (JobStatus.COMPLETED, world.clock.now())
    assert again.error_message is None
    assert world.queue.waiting == [TearDownJob("acme", job.job_id)]
    world.run()
    assert world.files.contents == {}


@pytest.mark.parametrize("phase", [failed_in_staging, failed_in_transport])
def test_a_job_that_goes_on_needs_a_place(phase: Callable[[World], Job]) -> None:
    world = World()
    job = phase(world)
    world.jobs.most_in_flight = 0
    with pytest.raises(TooManyJobs):
        world.retry(job)
    assert world.now(job) == job


def test_a_job_of_which_nothing_is_left_needs_no_place() -> None:
    world = World()
    job = failed_with_nothing_left(world)
    world.jobs.most_in_flight = 0
    assert world.retry(job).status is JobStatus.COMPLETED


@pytest.mark.parametrize("reason", ["records", "markers", "staged files"])
def test_a_job_that_can_never_go_on_is_not_told_to_wait_for_a_place(reason: str) -> None:
    world = World()
    job = failed_in_transport(world)
    world.jobs.most_in_flight = 0
    if reason == "records":
        world.change(job, partial(replace, records_removed=True))
    else:
        kept = KEPT.markers if reason == "markers" else KEPT.staged_files
        world.clock.sleep(kept.total_seconds() + 60)
    with pytest.raises(StateConflict, match="create a new backfill"):
        world.retry(job)


def test_a_job_whose_staged_files_are_gone_says_so_and_stays_failed() -> None:
    world = World()
    job = failed_in_transport(world)
    world.run()
    job = world.now(job)
    age = world.clock.now() - job.require_attempt().claimed_at
    world.clock.sleep((KEPT.staged_files - age).total_seconds() + 1)
    with pytest.raises(StateConflict, match=r"failed, and its staged files are gone.*14 days.*new backfill"):
        world.retry(job)
    assert world.now(job) == job


def test_while_its_staged_files_are_kept_a_job_whose_kafka_rows_are_known_goes_on() -> None:
    """The teardown reconciled it in time."""
    world = World()
    job = failed_in_transport(world)
    world.run()
    assert world.now(job).reconciled
    world.clock.sleep((KEPT.staged_files - timedelta(hours=1)).total_seconds())
    assert world.retry(job).status is JobStatus.TRANSPORTING


def test_what_kafka_has_is_not_known_for_ever_if_no_teardown_asked_in_time() -> None:
    world = World()
    job = failed_in_transport(world)
    world.clock.sleep(KEPT.markers.total_seconds() + 1)
    with pytest.raises(StateConflict, match=r"failed.*7 days.*another name"):
        world.retry(job)
    assert world.now(job) == job


def test_what_an_earlier_teardown_found_out_says_nothing_of_what_was_sent_since() -> None:
    world = World()
    job = failed_in_transport(world)
    world.run()
    assert world.now(job).reconciled
    job = failed(world, world.retry(job))
    world.clock.sleep(KEPT.markers.total_seconds() + 1)
    with pytest.raises(StateConflict, match="another name"):
        world.retry(job)


def test_until_then_kafka_itself_tells() -> None:
    world = World()
    job = failed_in_transport(world)
    world.clock.sleep(KEPT.markers.total_seconds())
    assert world.retry(job).status is JobStatus.TRANSPORTING


@pytest.mark.parametrize(
    "destinations",
    [(WEBHOOK,), (kafka(KAFKA.name, KAFKA.uid, AT_LEAST_ONCE), WEBHOOK)],
    ids=["webhook", "kafka"],
)
def test_a_job_without_exactly_once_needs_no_marker(destinations: tuple[Destination, ...]) -> None:
    world = World()
    job = new_job(destinations=destinations, time_created=world.clock.now())
    job = failed_in_transport(world, job)
    world.clock.sleep(KEPT.markers.total_seconds() + 1)
    assert world.retry(job).status is JobStatus.TRANSPORTING


@pytest.mark.parametrize("phase", [failed_in_staging, failed_in_transport])
def test_a_message_that_could_not_be_published_is_the_sweeps_to_send(phase: Callable[[World], Job]) -> None:
    world = World()
    job = phase(world)
    world.queue.down = True
    assert world.retry(job).retry == 1
    world.queue.down = False
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert sorted(world.receiver.rows()) == ALL_ROWS


def test_of_two_retries_at_once_one_is_made() -> None:
    world = World()
    job = failed_in_transport(world)
    world.jobs.between = lambda: world.retry(job)
    assert world.retry(job).retry == 1
    assert world.now(job).retry == 1


def test_a_retried_job_can_fail_and_be_retried_again() -> None:
    world = World()
    job = failed_in_transport(world)
    for retry in (1, 2):
        job = world.retry(job)
        assert job.retry == retry
        job = failed(world, job)
    world.retry(job)
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert sorted(world.log.rows()) == ALL_ROWS


def test_a_refusal_that_was_mended_is_no_longer_shown() -> None:
    world = World()
    job = world.accept()

    def refuse(_request: Request) -> None:
        raise DestinationRefused("it answered 410")

    world.receiver.answer = refuse
    world.run()
    assert world.jobs.destinations(world.now(job))[WEBHOOK.uid].last_error == "it answered 410"
    world.receiver.answer = lambda _request: None
    again = world.retry(world.now(job))
    assert world.jobs.destinations(again)[WEBHOOK.uid].last_error is None
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert sorted(world.log.rows()) == ALL_ROWS
