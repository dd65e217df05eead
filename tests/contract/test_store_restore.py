"""Firestore's records after an import of an earlier minute's export: docs/operations.md, "Restore"."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from google.cloud import firestore

from shared.adapters.firestore_documents import attempt_reference, chunk_id
from shared.adapters.firestore_topics import ITS_OWN
from shared.domain import transitions
from shared.domain.chunks import Chunk
from shared.domain.errors import Busy, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.operator.repair import Repaired, repair, repaired
from shared.web.receipts import Receipt, receipt
from tests.contract.exports import Documents, exported, imported
from tests.contract.records import Records, in_firestore, manifest
from tests.fakes.examples import CREATED, KAFKA, RECORDS_KEPT, WEBHOOK, new_job

pytestmark = pytest.mark.emulator

TOPIC = "organizations/acme/topics/topic-transfers"


@dataclass(frozen=True)
class Store:
    """A project of the emulator."""

    client: firestore.Client
    records: Records

    def export(self) -> Documents:
        return exported(self.client)

    def restore(self, documents: Documents) -> None:
        imported(self.client, documents)

    def repair(self) -> Repaired:
        return repair(self.client, "acme", self.records.clock.now())

    def topic(self) -> dict[str, object]:
        return self.client.document(TOPIC).get().to_dict() or {}

    def receipt(self, job: Job) -> Receipt:
        job = self.records.now(job)
        return receipt(job, self.records.listings.destinations(job), {})


@pytest.fixture
def store(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    return Store(client, in_firestore(client))


def deliver(records: Records, job: Job, chunk: Chunk) -> bool:
    """Deliver the chunk to the destinations that lack it, and count it."""
    for destination in job.destinations:
        lease = records.deliveries.take(job, chunk.number, destination.uid)
        if lease is not None:
            lease.done(chunk.rows, None)
    return records.chunks.count_down(job, chunk)


def counted_after_export(store: Store, chunks: int = 3) -> tuple[Job, list[Chunk]]:
    """Return a job that was restored to the minute in which only its first chunk was counted."""
    job, found = store.records.transporting(chunks)
    deliver(store.records, job, found[0])
    documents = store.export()
    for chunk in found[1:]:
        deliver(store.records, job, chunk)
    store.restore(documents)
    assert store.records.jobs.counts(job) == Counts(chunks - 1, 5 * (chunks - 1))
    return job, found


def test_chunks_counted_since_count_once_more(store: Store) -> None:
    job, chunks = counted_after_export(store)
    assert [deliver(store.records, job, chunk) for chunk in chunks] == [False, False, True]
    assert store.records.jobs.counts(job) == Counts(0, 0)
    assert list(store.records.chunks.undelivered(job)) == []
    # Every further delivery is told the same as before the restore.
    assert [deliver(store.records, job, chunk) for chunk in chunks] == [False, False, True]
    assert store.records.jobs.counts(job) == Counts(0, 0)


def test_of_many_handlers_one_counts_a_chunk_again(store: Store) -> None:
    job, chunks = counted_after_export(store, chunks=8)
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(partial(store.records.chunks.count_down, job), chunks * 6))
    assert store.records.jobs.counts(job) == Counts(0, 0)


def test_a_handler_that_comes_second_counts_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job, chunks = counted_after_export(store, chunks=2)
    commit, commits, other = firestore.WriteBatch.commit, count(), list[bool]()

    def overtaken(batch: firestore.WriteBatch, **call: object) -> object:
        # The first commit finds the marker, the second one counts again.
        if next(commits) == 1:
            other.append(store.records.chunks.count_down(job, chunks[1]))
        return commit(batch, **call)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(firestore.WriteBatch, "commit", overtaken)
    # Both are told that the chunk was the last one, as the same handler is at each call.
    assert store.records.chunks.count_down(job, chunks[1])
    assert other == [True]
    assert store.records.jobs.counts(job) == Counts(0, 0)


def test_a_count_whose_answer_is_lost_is_not_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job, chunks = counted_after_export(store)
    api = store.client._firestore_api
    commit = api.commit

    def unheard(**call: object) -> object:
        commit(**call)
        return commit(**call)

    monkeypatch.setattr(api, "commit", unheard)
    assert not store.records.chunks.count_down(job, chunks[1])
    assert store.records.jobs.counts(job) == Counts(1, 5)


def test_a_chunks_record_that_keeps_changing_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, chunks = counted_after_export(store)
    another = firestore.Client(project=store.client.project)
    recorded = attempt_reference(another, job).collection("chunks").document(chunk_id(1))
    api = store.client._firestore_api
    commit = api.commit

    def late(**call: object) -> object:
        recorded.set({"size": firestore.Increment(1)}, merge=True)
        return commit(**call)

    monkeypatch.setattr(api, "commit", late)
    with pytest.raises(Unavailable):
        store.records.chunks.count_down(job, chunks[1])
    assert store.records.jobs.counts(job) == Counts(2, 10)


@pytest.mark.parametrize("recorded_before", [True, False])
def test_a_job_that_was_staging_counts_what_is_not_delivered(store: Store, *, recorded_before: bool) -> None:
    """The export may have been made between the records of the chunks and the manifest's commit."""
    records, job = store.records, store.records.claimed()
    documents = store.export()
    staged, chunks = _staged(records, job)
    if recorded_before:
        of_chunks = {path: fields for path, fields in store.export().items() if "/chunks/" in path}
        documents = {**documents, **of_chunks}
    for chunk in chunks[:2]:
        deliver(records, staged, chunk)
    store.restore(documents)
    assert records.now(job).status is JobStatus.STAGING
    again, _ = _staged(records, records.now(job))
    left = 3 if recorded_before else 1
    assert records.jobs.counts(again) == Counts(left, 5 * left)
    assert len(list(records.chunks.undelivered(again))) == left
    assert [deliver(records, again, chunk) for chunk in chunks][-1]
    assert records.jobs.counts(again) == Counts(0, 0)


def test_a_job_that_was_staging_and_is_delivered_has_nothing_left(store: Store) -> None:
    records, job = store.records, store.records.claimed()
    documents = store.export()
    staged, chunks = _staged(records, job)
    for chunk in chunks:
        deliver(records, staged, chunk)
    store.restore(documents)
    again, _ = _staged(records, records.now(job))
    assert (again.status, again.num_rows) == (JobStatus.TRANSPORTING, 15)
    assert records.jobs.counts(again) == Counts(0, 0)
    assert store.receipt(again)["balanced"]


def _staged(records: Records, job: Job) -> tuple[Job, list[Chunk]]:
    found = [Chunk(number, f"data_{number}.parquet", 100, 5) for number in range(3)]
    recorded = records.chunks.record(job, found)
    return records.chunks.commit(job, manifest(job, recorded), recorded), found


def completed(store: Store) -> Job:
    """Return a completed and torn down job."""
    records = store.records
    job, chunks = records.transporting()
    for chunk in chunks:
        deliver(records, job, chunk)
    records.change(job, partial(transitions.complete, now=CREATED))
    return records.change(
        job, partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
    )


def expired(store: Store, job: Job) -> Job:
    records = store.records
    job = records.change(job, partial(transitions.expire, now=CREATED + RECORDS_KEPT))
    assert records.retention.remove(job, lambda: True)
    return records.change(job, transitions.forget)


def test_a_receipt_that_expired_since_counts_nothing_twice(store: Store) -> None:
    job = completed(store)
    before, documents = store.receipt(job), store.export()
    assert before["balanced"]
    progress = store.records.listings.destinations(expired(store, job))
    store.restore(documents)
    assert store.receipt(job) == before
    # It expires again, and its progress is what it was.
    again = expired(store, store.records.now(job))
    assert store.records.listings.destinations(again) == progress
    assert {one.rows_done for one in progress.values()} == {15}


def test_a_receipt_that_was_expiring_counts_nothing_twice(store: Store) -> None:
    """The export was made after the removal had begun, and before it removed anything."""
    records, job = store.records, completed(store)
    job = records.change(job, partial(transitions.expire, now=CREATED + RECORDS_KEPT))
    before, documents = records.listings.destinations(job), store.export()
    assert records.retention.remove(job, lambda: True)
    store.restore(documents)
    assert records.listings.destinations(job) == before
    assert records.retention.remove(records.now(job), lambda: True)
    assert records.listings.destinations(job) == before


def test_a_topic_that_a_later_job_names_is_kept(store: Store) -> None:
    records, first = store.records, store.records.created()
    records.topics.ensure(first, KAFKA)
    documents = store.export()
    records.topics.ensure(records.created(), KAFKA)
    store.restore(documents)
    assert store.topic()["jobs"] == 1
    assert store.repair() == Repaired(2, 1)
    records.topics.remove(first, KAFKA)
    assert records.broker.topics == {"beam.acme.transfers"}
    assert store.repair() == Repaired(2, 0)


def test_a_removal_that_ended_since_is_not_repeated_once_another_job_names_the_topic(store: Store) -> None:
    records, first = store.records, store.records.created()
    records.topics.ensure(first, KAFKA)
    removing: list[Documents] = []
    records.broker.before_deletion = lambda: removing.append(store.export())
    records.topics.remove(first, KAFKA)
    later = records.created()
    records.topics.ensure(later, KAFKA)
    store.restore(removing[0])
    with pytest.raises(Busy):
        store.repair()
    records.clock.sleep(ITS_OWN)
    assert store.repair() == Repaired(2, 1)
    records.topics.ensure(later, KAFKA)
    records.topics.remove(first, KAFKA)
    assert records.broker.topics == {"beam.acme.transfers"}


def test_a_removal_that_goes_on_for_its_only_job_is_left_to_it(store: Store) -> None:
    records, first = store.records, store.records.created()
    records.topics.ensure(first, KAFKA)
    removing: list[Documents] = []
    records.broker.before_deletion = lambda: removing.append(store.export())
    records.topics.remove(first, KAFKA)
    store.restore(removing[0])
    assert store.repair() == Repaired(1, 0)


def test_a_topic_counts_jobs_of_unknown_kinds_and_none_of_other_kinds(store: Store) -> None:
    records = store.records
    job = records.created()
    records.topics.ensure(job, KAFKA)
    other = records.created(new_job(destinations=(replace(KAFKA, type="gcs", traits=WEBHOOK.traits),)))
    reference = store.client.document("organizations", "acme", "jobs", other.job_id)
    assert store.repair() == Repaired(2, 0)
    assert store.topic()["jobs"] == 1
    reference.update({"destinations": [{"type": "kinesis", "name": "transfers"}], "status": "archiving"})
    assert store.repair() == Repaired(2, 1)
    assert store.topic()["jobs"] == 2
    # A number that is too high keeps a topic, so it stays.
    reference.delete()
    assert store.repair() == Repaired(1, 0)
    assert store.topic()["jobs"] == 2


def test_a_job_that_is_created_meanwhile_is_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    records = store.records
    records.topics.ensure(records.created(), KAFKA)
    store.client.document(TOPIC).update({"jobs": 0})
    update = firestore.DocumentReference.update

    def late(
        reference: firestore.DocumentReference, fields: dict[str, object], *rest: object, **call: object
    ) -> object:
        if reference.path == TOPIC and fields == {"jobs": 1}:
            records.created()
        return update(reference, fields, *rest, **call)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(firestore.DocumentReference, "update", late)
    with pytest.raises(Busy):
        store.repair()
    assert store.repair() == Repaired(2, 1)


def test_without_a_name_every_organization_is_repaired(store: Store) -> None:
    store.records.created()
    store.records.created(new_job(organization_id="globex"))
    now = CREATED + timedelta(hours=1)
    assert [line.split(":")[1].strip() for line in repaired(store.client, [], now)] == ["acme", "globex"]
    assert list(repaired(store.client, ["globex"], now)) == [
        "repair: globex: 1 in flight, 0 topics repaired\n"
    ]
