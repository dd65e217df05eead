"""Staging: one unload, whatever happens to the messages, and one message for each chunk."""

from dataclasses import replace
from functools import partial

import pytest

from shared.destinations import destination
from shared.domain import transitions
from shared.domain.catalog import Catalog, CatalogEntry, TableNotOffered
from shared.domain.columns import Choice
from shared.domain.errors import (
    Busy,
    JobFails,
    LeftToOthers,
    StaleMessage,
    Unavailable,
    UnloadRefused,
)
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk, StageJob
from shared.unload.statements import TableColumn
from tests.fakes.examples import KAFKA, WEBHOOK, new_attempt, new_job
from tests.fakes.unloads import FakeTable
from tests.fakes.warehouse import TRANSFERS
from tests.unit.steps.staging import accepted, stage
from tests.unit.steps.world import ATTEMPTS, World


def test_a_quick_unload_is_staged_in_one_run() -> None:
    world = World(rows=13)
    job = stage(world, accepted(world))
    assert job.status is JobStatus.TRANSPORTING
    assert (job.num_chunks, job.num_rows) == (3, 13)
    attempt_id = job.require_attempt().attempt_id
    assert world.queue.waiting == [DeliverChunk("acme", job.job_id, attempt_id, 0, n, 1) for n in range(3)]


def test_the_kafka_topics_exist_before_anything_is_exported() -> None:
    world = World()
    stage(world, accepted(world, destinations=(WEBHOOK, KAFKA)))
    assert world.broker.topics == {"beam.acme.transfers"}


def test_the_mapping_of_columns_is_decided_once_for_the_job() -> None:
    job = stage(world := World(), accepted(world))
    assert [column.name for column in job.columns] == ["unique_id", "log_index", "block_timestamp"]
    assert job.key_column == "unique_id"


def test_chosen_columns_are_staged_and_the_key_beside_them() -> None:
    world = World()
    job = new_job(confirmed=True, chosen=(Choice("log_index", "index"),))
    world.jobs.create(job, [])
    staged = stage(world, job)
    assert [(column.name, column.hidden) for column in staged.columns] == [
        ("index", False),
        ("key:unique_id", True),
    ]
    assert staged.staged_key(KAFKA) == "key:unique_id"


def test_a_table_with_too_many_long_names_fails_its_job_at_once() -> None:
    """Firestore would refuse the job's record at each attempt."""
    world = World()
    columns = tuple(TableColumn(f"É{number}".ljust(255, "É"), "TEXT", 0) for number in range(1_000))
    world.warehouse.tables = {TRANSFERS: FakeTable(columns, [])}
    job = accepted(world)
    with pytest.raises(UnloadRefused, match="names of the 1,000 columns are too long"):
        stage(world, job)
    assert world.now(job).attempts == 0
    assert world.warehouse.queries == {}


def test_a_destination_may_choose_its_messages_keys() -> None:
    world = World()
    keyed = destination(type="kafka", name="keyed", uid="keyed-uid", key_column="log_index")
    job = new_job(confirmed=True, destinations=(keyed, KAFKA))
    world.jobs.create(job, [])
    staged = stage(world, job)
    assert (staged.staged_key(keyed), staged.staged_key(KAFKA)) == ("log_index", "unique_id")


def test_without_a_key_column_there_are_no_keys() -> None:
    assert new_job().staged_key(KAFKA) is None


def test_a_key_that_the_table_lacks_fails_the_job_by_the_destinations_name() -> None:
    world = World()
    keyed = destination(type="kafka", name="keyed", uid="keyed-uid", key_column="colour")
    job = new_job(confirmed=True, destinations=(keyed,))
    world.jobs.create(job, [])
    with pytest.raises(UnloadRefused, match="no column colour for the keys of kafka keyed"):
        stage(world, job)


def test_a_filter_reaches_the_statement() -> None:
    world = World()
    job = new_job(filter_column="unique_id", confirmed=True)
    world.jobs.create(job, ["a", "b"])
    stage(world, job)
    [query] = world.warehouse.queries.values()
    assert {"a", "b"} <= set(query.statement.values)


def test_a_slice_of_no_rows_completes_without_a_message() -> None:
    job = stage(world := World(rows=0), accepted(world))
    assert (job.status, job.num_chunks) == (JobStatus.COMPLETED, 0)
    assert world.queue.waiting == []


def test_a_slow_unload_holds_no_function_and_is_not_submitted_again() -> None:
    world = World(polls=1000)
    job = accepted(world)
    started = world.clock.monotonic()
    assert stage(world, job).status is JobStatus.STAGING
    assert world.clock.monotonic() - started <= ATTEMPTS.wait + 1
    stage(world, job)
    assert len(world.warehouse.queries) == 1


def test_an_unload_of_three_times_the_wait_completes_with_one_export() -> None:
    world = World(polls=200)
    job = world.accept()
    world.run()
    assert world.now(job).status is JobStatus.COMPLETED
    assert len(world.warehouse.queries) == 1


def test_a_redelivered_message_publishes_again_what_is_undelivered() -> None:
    world = World()
    job, messages = world.staged()
    world.deliver.run(messages[1])
    world.queue.taken()
    stage(world, job)
    assert world.queue.waiting == [replace(messages[n], opening=2) for n in (0, 2)]


@pytest.mark.parametrize("after", [1, 5])
def test_a_message_that_is_faster_than_its_jobs_confirmation_waits_for_it(after: int) -> None:
    world = World()
    job = new_job(time_created=world.clock.now())
    world.jobs.create(job, [])
    get, looks = world.jobs.get, 0

    def confirmed_by_and_by(organization_id: str, job_id: str) -> Job | None:
        nonlocal looks
        looks += 1
        if looks > after:
            world.jobs.confirm(job)
            return get(organization_id, job_id)
        world.faults.instead["FakeJobs.get"] = confirmed_by_and_by
        return get(organization_id, job_id)

    world.faults.instead["FakeJobs.get"] = confirmed_by_and_by
    assert stage(world, job).status is JobStatus.TRANSPORTING
    assert world.clock.monotonic() < 1


def test_a_job_that_is_not_confirmed_is_not_staged_and_its_message_comes_again() -> None:
    world = World()
    job = new_job(time_created=world.clock.now())
    world.jobs.create(job, [])
    with pytest.raises(Busy):
        stage(world, job)
    assert world.now(job) == job
    assert world.broker.topics == set()
    assert world.clock.monotonic() == pytest.approx(2, abs=0.3)


def test_a_message_of_an_earlier_retry_is_stale() -> None:
    world = World()
    job = accepted(world, retry=1)
    with pytest.raises(StaleMessage):
        stage(world, job, retry=0)
    assert world.warehouse.queries == {}


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_an_ended_job_is_not_staged(status: JobStatus) -> None:
    world = World()
    job = stage(world, accepted(world, status=status))
    assert job.status is status
    assert world.warehouse.queries == {}


def test_waiting_for_another_claimer_uses_up_no_attempt_of_the_message() -> None:
    world = World()
    job = world.change(
        accepted(world),
        partial(
            transitions.claim,
            attempt=new_attempt(world.clock.now()),
            previous=None,
            columns=(),
            key_column=None,
        ),
    )
    with pytest.raises(LeftToOthers):
        stage(world, job)
    assert world.warehouse.queries == {}


def test_an_attempt_whose_claimer_died_before_submitting_is_taken_over() -> None:
    world = World()
    transition = partial(
        transitions.claim, attempt=new_attempt(world.clock.now()), previous=None, columns=(), key_column=None
    )
    job = world.change(accepted(world), transition)
    world.clock.sleep(ATTEMPTS.claim)
    assert stage(world, job).attempts == 2
    assert len(world.warehouse.queries) == 1


def test_a_query_whose_id_was_never_written_down_is_found_and_not_run_twice() -> None:
    world = World()
    job = stage(world, accepted(world))
    attempt = job.require_attempt()
    [query] = world.warehouse.queries.values()
    assert query.tag == job.query_tag
    forgotten = new_job(
        job_id=job.job_id,
        confirmed=True,
        attempts=1,
        columns=job.columns,
        key_column=job.key_column,
        attempt=new_attempt(attempt.claimed_at, attempt_id=attempt.attempt_id),
    )
    world.jobs.stored["acme", job.job_id].job = forgotten
    world.clock.sleep(ATTEMPTS.claim)
    assert stage(world, forgotten).require_attempt().query_id == query.query_id
    assert len(world.warehouse.queries) == 1


def test_a_claim_that_another_run_won_leaves_the_job_to_it() -> None:
    world = World()
    job = accepted(world)
    theirs = new_attempt(world.clock.now())
    world.jobs.between = lambda: world.change(
        job, partial(transitions.claim, attempt=theirs, previous=None, columns=(), key_column=None)
    )
    with pytest.raises(LeftToOthers):
        stage(world, job)
    assert world.now(job).attempt == theirs
    assert world.warehouse.queries == {}


def test_a_claimer_so_slow_that_it_was_taken_over_aborts_its_own_query() -> None:
    world = World(polls=1000)
    job = accepted(world)
    submit = world.warehouse.submit

    def taken_over_meanwhile(*arguments: object) -> str:
        current = world.now(job)
        transition = partial(
            transitions.claim,
            attempt=new_attempt(world.clock.now()),
            previous=current.attempt,
            columns=(),
            key_column=None,
        )
        world.change(job, transition)
        return submit(*arguments)  # type: ignore[arg-type]  # passed on as they came

    world.faults.instead["FakeWarehouse.submit"] = taken_over_meanwhile
    with pytest.raises(StaleMessage):
        stage(world, job)
    assert world.warehouse.aborted == list(world.warehouse.queries)


def test_what_snowflake_refuses_fails_the_job_with_its_message() -> None:
    world = World()
    world.warehouse.errors = [UnloadRefused("The table has no column block_timestamp")]
    job = world.accept()
    world.run()
    job = world.now(job)
    assert (job.status, job.error_message) == (JobStatus.FAILED, "The table has no column block_timestamp")


def test_a_table_that_does_not_exist_is_refused_before_an_attempt_is_begun() -> None:
    world = World()
    job = accepted(world, table="base.assets.nothing")
    with pytest.raises(UnloadRefused):
        stage(world, job)
    assert world.now(job).attempts == 0


def test_a_table_withdrawn_from_the_catalog_fails_the_job() -> None:
    world = World(catalog=Catalog((CatalogEntry("base.raw.*"),)))
    with pytest.raises(TableNotOffered):
        stage(world, accepted(world))


def test_an_unload_that_failed_for_a_passing_reason_is_run_again_under_a_prefix_of_its_own() -> None:
    world = World()
    world.warehouse.errors = [Unavailable("Snowflake")]
    job = accepted(world)
    first = stage(world, job)
    assert (first.status, first.attempts) == (JobStatus.STAGING, 2)
    assert world.queue.taken() == [StageJob("acme", job.job_id, 0)]
    assert stage(world, job).status is JobStatus.TRANSPORTING
    assert len({query.tag for query in world.warehouse.queries.values()}) == 2


def test_a_query_that_snowflake_no_longer_knows_is_run_again() -> None:
    world = World(polls=1000)
    job = stage(world, accepted(world))
    world.warehouse.queries.clear()
    world.warehouse.polls = 0
    stage(world, job)
    assert stage(world, job).status is JobStatus.TRANSPORTING


def test_passing_reasons_end_after_some_attempts() -> None:
    world = World()
    world.warehouse.errors = [Unavailable("Snowflake")] * ATTEMPTS.most_attempts
    job = accepted(world)
    for _ in range(ATTEMPTS.most_attempts - 1):
        stage(world, job)
    with pytest.raises(JobFails, match="in 3 attempts"):
        stage(world, job)


def test_an_outage_before_the_claim_uses_up_no_staging_attempt() -> None:
    world = World()
    job = accepted(world)
    world.warehouse.down = True
    with pytest.raises(Unavailable):
        stage(world, job)
    assert world.now(job).attempts == 0
