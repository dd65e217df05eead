"""The guarantees of the removal of old records, tested with Firestore and the fake."""

import uuid
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from google.cloud import firestore

from shared.domain import transitions
from shared.domain.jobs import Job
from shared.steps.records import DestinationProgress
from tests.contract.records import Records, in_firestore
from tests.fakes.examples import CREATED, KAFKA, RECORDS_KEPT, WEBHOOK, new_job

CANCELLED = CREATED + timedelta(hours=1)
DUE = CANCELLED + RECORDS_KEPT
TEARDOWN = partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)


def delivered(records: Records, job: Job, chunk: int, uid: str) -> None:
    lease = records.deliveries.take(job, chunk, uid)
    assert lease is not None
    lease.done(5, None)


def ended(records: Records, chunks: int = 3, *, hours: int = 1) -> Job:
    """Return a cancelled and torn down job: two chunks delivered to Kafka, a third one begun, one counted."""
    job, found = records.transporting(chunks)
    for number in (0, 1):
        delivered(records, job, number, KAFKA.uid)
    delivered(records, job, 0, WEBHOOK.uid)
    records.chunks.count_down(job, found[0])
    lease = records.deliveries.take(job, 2, KAFKA.uid)
    assert lease is not None
    lease.release()
    records.change(job, partial(transitions.cancel, now=CREATED + timedelta(hours=hours)))
    return records.change(job, TEARDOWN)


def expired(records: Records, job: Job) -> Job:
    return records.change(job, partial(transitions.expire, now=DUE))


def test_jobs_are_due_once_their_time_is_over_and_the_oldest_first(records: Records) -> None:
    later, first = ended(records, hours=2), ended(records)
    records.created()
    assert list(records.retention.due(DUE - timedelta(seconds=1), 5)) == []
    assert [job.job_id for job in records.retention.due(DUE, 5)] == [first.job_id]
    both = [first.job_id, later.job_id]
    assert [job.job_id for job in records.retention.due(DUE + timedelta(hours=1), 5)] == both
    assert [job.job_id for job in records.retention.due(DUE + timedelta(hours=1), 1)] == both[:1]
    records.change(expired(records, first), transitions.forget)
    assert [job.job_id for job in records.retention.due(DUE + timedelta(hours=1), 5)] == both[1:]


def test_of_a_removed_job_only_its_progress_is_left_and_another_job_keeps_its_records(
    records: Records,
) -> None:
    job, other = expired(records, ended(records)), ended(records)
    before, counts = records.listings.destinations(job), records.jobs.counts(job)
    assert before[KAFKA.uid] == DestinationProgress(2, 10, None)
    assert records.retention.remove(job, lambda: True)
    assert records.listings.destinations(job) == before
    assert records.jobs.counts(job) == counts
    assert list(records.chunks.undelivered(job)) == []
    assert records.chunks.get(job, 0) is None
    assert records.deliveries.begun(job) == {}
    assert records.deliveries.begun(other) == {0: {KAFKA.uid, WEBHOOK.uid}, 1: {KAFKA.uid}, 2: set()}
    assert len(list(records.chunks.undelivered(other))) == 2
    # However often it is called.
    assert records.retention.remove(job, lambda: True)
    assert records.listings.destinations(job) == before


def test_it_stops_when_time_is_over_and_goes_on_the_next_time(records: Records) -> None:
    job = expired(records, ended(records))
    before = records.listings.destinations(job)
    assert not records.retention.remove(job, lambda: False)
    assert records.listings.destinations(job) == before
    assert records.retention.remove(job, lambda: True)


@pytest.fixture
def stored(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> tuple[firestore.Client, Records]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    return client, in_firestore(client)


def left(client: firestore.Client, name: str) -> int:
    return len(list(client.collection_group(name).stream()))


@pytest.mark.emulator
def test_more_than_a_page_is_removed_of_all_attempts(stored: tuple[firestore.Client, Records]) -> None:
    client, records = stored
    job = ended(records, chunks=810)
    died = replace(job, attempt=replace(job.require_attempt(), attempt_id="died"))
    records.chunks.record(
        died, [found for _, found in zip(range(3), records.chunks.undelivered(job), strict=False)]
    )
    assert left(client, "chunks") == 813
    turns = iter([True, True, True, False])
    job = expired(records, job)
    assert not records.retention.remove(job, lambda: next(turns))
    assert 0 < left(client, "chunks") < 813
    assert records.retention.remove(job, lambda: True)
    assert [left(client, name) for name in ("chunks", "deliveries", "delivered")] == [0, 0, 0]
    assert records.jobs.get(job.organization_id, job.job_id) is not None


@pytest.mark.emulator
def test_two_runs_at_once_count_nothing_twice(
    stored: tuple[firestore.Client, Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, records = stored
    job = expired(records, ended(records))
    before, faster = records.listings.destinations(job), iter([True])
    commit = firestore.WriteBatch.commit

    def second_to_commit(batch: firestore.WriteBatch, **call: object) -> object:
        if next(faster, False):
            assert records.retention.remove(job, lambda: True)
        return commit(batch, **call)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(firestore.WriteBatch, "commit", second_to_commit)
    assert not records.retention.remove(job, lambda: True)
    assert records.retention.remove(job, lambda: True)
    assert records.listings.destinations(job) == before
    assert left(client, "deliveries") == 0


def test_a_job_of_an_earlier_release_is_kept(records: Records) -> None:
    """It was torn down before the record had a time."""
    job = records.created(new_job())
    records.change(job, lambda job: replace(transitions.cancel(job, CANCELLED), torn_down=True))
    assert list(records.retention.due(DUE + timedelta(days=9_000), 5)) == []
