"""Reconciling: what arrived of a job that ended early is recorded, though its sender crashed."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from shared.destinations import destination
from shared.domain import transitions
from shared.domain.destination import AT_LEAST_ONCE, Destination
from shared.domain.errors import Busy, DestinationRefused, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import DeliverChunk, TearDownJob
from shared.steps.sending import ChunkDelivery
from tests.fakes.destinations import kafka
from tests.fakes.examples import KAFKA, WEBHOOK, new_job
from tests.fakes.faults import Faults, Killed
from tests.unit.steps.world import KEPT, LEASE, World

KAFKA_ONLY = (KAFKA,)
THEIRS = destination(type="external_kafka", name="theirs", uid="theirs-uid")
ENDS = (JobStatus.FAILED, JobStatus.CANCELLED)


def killed_at(call: str, destinations: tuple[Destination, ...] = (KAFKA, WEBHOOK)) -> tuple[World, Job]:
    """Return a job whose first chunk's sender was killed just before such a call."""
    world = World(faults=Faults())
    job, messages = world.staged(new_job(destinations=destinations, time_created=world.clock.now()))

    def kill(*_: object) -> None:
        raise Killed

    world.faults.instead[call] = kill
    with pytest.raises(Killed):
        world.deliver.run(messages[0])
    return world, job


def end(world: World, job: Job, status: JobStatus = JobStatus.FAILED) -> None:
    if status is JobStatus.CANCELLED:
        world.cancel(job)
    else:
        world.finish.fail("acme", job.job_id, "why", retry=0)


def tear_down(world: World, job: Job) -> Job:
    world.tear_down.run(TearDownJob("acme", job.job_id))
    return world.now(job)


@pytest.mark.parametrize("status", ENDS)
def test_a_chunk_that_kafka_has_and_nobody_recorded_is_recorded_and_counted(status: JobStatus) -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job, status)
    assert world.jobs.counts(job) == Counts(3, 13)
    ended = tear_down(world, job)
    assert (ended.status, ended.torn_down, ended.reconciled) == (status, True, True)
    assert world.jobs.counts(job) == Counts(2, 8)
    assert world.deliveries.begun(job) == {0: {KAFKA.uid}}


@pytest.mark.parametrize("status", ENDS)
def test_a_chunk_that_every_destination_has_and_nobody_counted_is_counted(status: JobStatus) -> None:
    world, job = killed_at("FakeChunks.count_down")
    end(world, job, status)
    tear_down(world, job)
    assert world.jobs.counts(job) == Counts(2, 8)


def test_a_chunk_that_another_destination_lacks_is_recorded_where_it_is_and_not_counted() -> None:
    world, job = killed_at("FakeLease.done")
    end(world, job)
    tear_down(world, job)
    assert world.deliveries.begun(job) == {0: {KAFKA.uid}}
    assert world.jobs.counts(job) == Counts(3, 13)


def test_a_lease_that_still_lives_is_waited_for() -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job)
    started = world.clock.monotonic()
    tear_down(world, job)
    assert world.clock.monotonic() - started == pytest.approx(LEASE, abs=1)


def test_what_was_never_begun_is_not_asked_for() -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job)
    tear_down(world, job)
    assert world.faults.calls.count("LogMarkers.committed") == 1


@pytest.mark.parametrize("call", ["Log.commit", "FakeStagedFiles.open"])
def test_a_chunk_that_kafka_has_not_stays_undelivered(call: str) -> None:
    """A missing topic means the same: everything of the job in it is gone."""
    world, job = killed_at(call, KAFKA_ONLY)
    end(world, job)
    assert tear_down(world, job).reconciled
    assert world.jobs.counts(job) == Counts(3, 13)
    world.retry(job)
    world.run()
    assert len(world.log.rows()) == 13


def test_of_a_topic_that_is_sent_to_at_least_once_kafka_knows_nothing() -> None:
    world, job = killed_at("FakeLease.done", (kafka(KAFKA.name, KAFKA.uid, AT_LEAST_ONCE),))
    end(world, job)
    tear_down(world, job)
    assert world.faults.calls.count("LogMarkers.committed") == 0
    assert world.jobs.counts(job) == Counts(3, 13)


def test_while_kafka_can_not_tell_the_teardown_comes_again() -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job)

    def open_transaction(_delivery: object) -> bool:
        raise Unavailable("Kafka")

    world.faults.instead["LogMarkers.committed"] = open_transaction
    with pytest.raises(Unavailable):
        tear_down(world, job)
    assert not world.now(job).torn_down
    assert tear_down(world, job).reconciled


@pytest.mark.parametrize("error", [Unavailable("Kafka"), DestinationRefused("the credentials are wrong")])
def test_a_destination_of_a_clients_own_that_does_not_tell_holds_up_no_teardown(error: Exception) -> None:
    """It may never answer again; the delivery after a retry finds out whether it has the chunk."""
    world, job = killed_at("FakeLease.done", (THEIRS, KAFKA))
    end(world, job)

    def silent(delivery: ChunkDelivery) -> bool:
        if delivery.destination.uid == THEIRS.uid:
            raise error
        return True

    world.faults.instead["LogMarkers.committed"] = silent
    ended = tear_down(world, job)
    assert (ended.torn_down, ended.reconciled) == (True, False)
    assert world.deliveries.begun(job) == {0: {KAFKA.uid}}
    assert world.jobs.counts(job) == Counts(3, 13)


def test_what_a_silent_destination_did_not_tell_is_not_taken_for_settled() -> None:
    world, job = killed_at("FakeLease.done", (THEIRS, KAFKA))
    end(world, job)

    def unavailable(_delivery: ChunkDelivery) -> bool:
        world.faults.instead["LogMarkers.committed"] = unavailable
        raise Unavailable("Kafka")

    world.faults.instead["LogMarkers.committed"] = unavailable
    with pytest.raises(Unavailable):
        tear_down(world, job)
    assert (world.now(job).torn_down, world.now(job).settled) == (False, 0)


def test_a_silent_destination_is_asked_once_a_run() -> None:
    world = World(rows=30)
    job, _ = world.staged(new_job(destinations=(THEIRS,), time_created=world.clock.now()))
    for chunk in range(3):
        lease = world.deliveries.take(job, chunk, THEIRS.uid)
        assert lease is not None
        lease.release()
    end(world, job)
    asked: list[int] = []

    def silent(delivery: ChunkDelivery) -> bool:
        asked.append(delivery.chunk)
        raise Unavailable("Kafka")

    world.faults.instead["LogMarkers.committed"] = silent
    assert not tear_down(world, job).reconciled
    assert asked == [0]


def begun(world: World, chunks: int) -> Job:
    """Return a failed job of this many chunks, all in Kafka and none recorded."""
    job, _ = world.staged(new_job(destinations=KAFKA_ONLY, time_created=world.clock.now()))
    for chunk in range(chunks):
        lease = world.deliveries.take(job, chunk, KAFKA.uid)
        assert lease is not None
        lease.release()
    end(world, job)
    return world.now(job)


@pytest.mark.parametrize("has_them", [True, False])
def test_more_chunks_than_there_is_time_for_are_settled_in_several_runs(*, has_them: bool) -> None:
    """The next run does not repeat a lookup, even if Kafka has nothing of a chunk."""
    world = World(rows=500)
    job = begun(world, 100)
    asked: list[int] = []

    def slow(delivery: ChunkDelivery) -> bool:
        world.faults.instead["LogMarkers.committed"] = slow
        world.clock.sleep(10)
        asked.append(delivery.chunk)
        return has_them

    world.faults.instead["LogMarkers.committed"] = slow
    runs = 0
    while not world.now(job).torn_down:
        started, runs = world.clock.monotonic(), runs + 1
        with suppress(Busy):
            tear_down(world, job)
        assert world.clock.monotonic() - started <= 480 + 300
    assert runs == 2
    assert asked == list(range(100))
    assert world.jobs.counts(job) == (Counts(0, 0) if has_them else Counts(100, 500))
    assert world.now(world.retry(job)).settled == 0


def test_while_kafka_is_away_what_was_found_out_before_is_kept() -> None:
    world = World(rows=500)
    job = begun(world, 100)
    asked: list[int] = []

    def away_from_the_fiftieth_on(delivery: ChunkDelivery) -> bool:
        if delivery.chunk == 50:
            raise Unavailable("Kafka")
        world.faults.instead["LogMarkers.committed"] = away_from_the_fiftieth_on
        asked.append(delivery.chunk)
        return False

    world.faults.instead["LogMarkers.committed"] = away_from_the_fiftieth_on
    with pytest.raises(Unavailable):
        tear_down(world, job)
    assert asked == list(range(50))
    before = world.faults.calls.count("LogMarkers.committed")
    assert tear_down(world, job).torn_down
    assert world.faults.calls.count("LogMarkers.committed") - before < 100 - 50 + 32


def test_a_run_that_is_overtaken_by_a_retry_settles_nothing_of_it() -> None:
    world = World(rows=500)
    job = begun(world, 100)

    def slow(_delivery: ChunkDelivery) -> bool:
        world.clock.sleep(500)
        world.retry(job)
        return False

    world.faults.instead["LogMarkers.committed"] = slow
    with pytest.raises(Busy):
        tear_down(world, job)
    assert world.now(job).settled == 0


def test_a_teardown_that_comes_too_late_for_the_markers_brings_the_job_to_rest_all_the_same() -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job)
    world.clock.sleep((KEPT.markers + timedelta(seconds=1)).total_seconds())
    world.log.committed.clear()
    ended = tear_down(world, job)
    assert (ended.torn_down, ended.reconciled) == (True, False)


def test_a_job_of_which_all_arrived_after_all_keeps_its_status_until_it_is_retried() -> None:
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    attempt_id = job.require_attempt().attempt_id
    for chunk in (1, 2):
        world.deliver.run(DeliverChunk("acme", job.job_id, attempt_id, 0, chunk, job.opening))
    end(world, job)
    assert tear_down(world, job).status is JobStatus.FAILED
    assert world.jobs.counts(job) == Counts(0, 0)
    assert world.retry(job).status is JobStatus.COMPLETED
    assert len(world.log.rows()) == 13


def test_a_job_that_ended_while_staging_has_nothing_to_reconcile() -> None:
    world = World(polls=1000)
    job = world.accept()
    job = world.change(job, partial(transitions.fail, message="why", now=world.clock.now(), retry=0))
    assert tear_down(world, job).reconciled


def test_a_delivery_that_recorded_it_while_kafka_was_asked_is_not_recorded_twice() -> None:
    """Its job was retried meanwhile, and its next sender found the chunk."""
    world, job = killed_at("FakeLease.done", KAFKA_ONLY)
    end(world, job)

    def found_by_another(_delivery: object) -> bool:
        world.retry(job)
        attempt_id = job.require_attempt().attempt_id
        world.deliver.run(DeliverChunk("acme", job.job_id, attempt_id, 1, 0, job.opening))
        return True

    world.faults.instead["LogMarkers.committed"] = found_by_another
    tear_down(world, job)
    assert world.jobs.counts(job) == Counts(2, 8)
    assert world.jobs.destinations(job)[KAFKA.uid].chunks_done == 1
