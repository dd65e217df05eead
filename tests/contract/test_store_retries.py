"""Retried jobs, and jobs recorded by older releases, in Firestore and in the fake."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from google.cloud import firestore

from shared.adapters.firestore_documents import job_fields
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_listings import FirestoreListings
from shared.domain import transitions
from shared.domain.destination import AT_LEAST_ONCE
from shared.domain.jobs import Job, JobStatus
from tests.contract.records import Records
from tests.fakes.destinations import kafka, webhook
from tests.fakes.examples import CREATED, KAFKA, RECORDS_KEPT, WEBHOOK, new_job, transporting

_SINCE_ADDED = (
    "idempotency",
    "time_retried",
    "reconciled",
    "settled",
    "unreconciled_since",
    "unreconciled_of",
)


def failed_and_retried(records: Records, job: Job) -> Job:
    records.change(job, partial(transitions.fail, message="why", now=CREATED, retry=job.retry))
    records.change(
        job, partial(transitions.tear_down, retry=job.retry, reconciled=True, records_kept=RECORDS_KEPT)
    )
    return records.change(job, partial(transitions.retry, now=CREATED, after=job.retry))


def test_a_retried_job_is_read_as_it_was_changed_and_is_looked_after_again(records: Records) -> None:
    job, _ = records.transporting()
    again = failed_and_retried(records, job)
    assert (again.status, again.retry, again.time_retried) == (JobStatus.TRANSPORTING, 1, CREATED)
    assert records.now(job) == again
    assert [found.job_id for found in records.jobs.active()] == [job.job_id]


def test_a_destinations_error_is_shown_until_its_job_is_retried(records: Records) -> None:
    job, _ = records.transporting()
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", CREATED)
    assert records.listings.destinations(job)[WEBHOOK.uid].last_error == "it answered 500"
    again = failed_and_retried(records, job)
    assert records.listings.destinations(again)[WEBHOOK.uid].last_error is None
    records.jobs.record_destination_error(job, KAFKA.uid, "from before the retry", CREATED)
    records.jobs.record_destination_error(again, WEBHOOK.uid, "it answered 410", CREATED)
    shown = records.listings.destinations(again)
    assert (shown[KAFKA.uid].last_error, shown[WEBHOOK.uid].last_error) == (None, "it answered 410")


def test_a_destinations_wish_to_be_left_alone_is_kept_until_its_job_is_retried(records: Records) -> None:
    job, _ = records.transporting()
    assert records.jobs.asked_to_wait(job, WEBHOOK.uid) is None
    until = CREATED + timedelta(seconds=600)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it asks to wait", CREATED, until)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", CREATED)
    assert records.jobs.asked_to_wait(job, WEBHOOK.uid) == until
    assert records.jobs.asked_to_wait(job, KAFKA.uid) is None
    assert records.listings.destinations(job)[WEBHOOK.uid].last_error == "it answered 500"
    again = failed_and_retried(records, job)
    assert records.jobs.asked_to_wait(again, WEBHOOK.uid) is None
    records.jobs.record_destination_error(again, WEBHOOK.uid, "it answered 500", CREATED)
    assert records.jobs.asked_to_wait(again, WEBHOOK.uid) is None


def test_a_jobs_last_failure_is_that_of_its_last_retry(records: Records) -> None:
    job, _ = records.transporting()
    assert records.jobs.last_failure(job) is None
    later = CREATED + timedelta(seconds=9)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it answered 500", later)
    records.jobs.record_destination_error(job, KAFKA.uid, "it is not available", CREATED)
    assert records.jobs.last_failure(job) == later
    until = CREATED + timedelta(seconds=600)
    records.jobs.record_destination_error(job, WEBHOOK.uid, "it asks to wait", until, until)
    assert records.jobs.last_failure(job) == later
    again = failed_and_retried(records, job)
    records.jobs.record_destination_error(again, WEBHOOK.uid, "it asks to wait", until, until)
    assert records.jobs.last_failure(again) is None


def test_how_a_destination_is_to_be_delivered_is_kept(records: Records) -> None:
    destinations = (
        kafka("a", "1", "exactly_once"),
        kafka("b", "2", AT_LEAST_ONCE),
        webhook("c", "3", "https://example.com", delivery=AT_LEAST_ONCE),
    )
    job = records.created(new_job(destinations=destinations))
    assert records.now(job).destinations == destinations


@pytest.mark.emulator
def test_a_job_that_an_older_release_recorded_is_read_and_goes_on(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client, job = firestore.Client(project="test-older-release"), new_job(confirmed=True)
    fields = {name: value for name, value in job_fields(job).items() if name not in _SINCE_ADDED}
    for destination in fields["destinations"]:
        destination.pop("delivery", None)
        if destination["type"] == "webhook":
            destination.setdefault("hash_key", None)
    client.document("organizations", "acme", "jobs", job.job_id).set(fields)
    client.document("organizations", "acme", "jobs", job.job_id, "destinations", WEBHOOK.uid).set(
        {"last_error": "it answered 500"}
    )
    jobs = FirestoreJobs(client, lambda _event: None)
    assert jobs.get("acme", job.job_id) == job
    assert (
        FirestoreListings(client, lambda _event: None).destinations(job)[WEBHOOK.uid].last_error
        == "it answered 500"
    )
    jobs.change("acme", job.job_id, partial(transitions.fail, message="why", now=CREATED, retry=0))
    again = jobs.change("acme", job.job_id, partial(transitions.retry, now=CREATED, after=0))
    assert jobs.get("acme", job.job_id) == again


def test_since_when_rows_may_be_unrecorded_is_kept_while_the_job_goes_on(records: Records) -> None:
    job, _ = records.transporting()
    records.change(job, partial(transitions.pause, now=CREATED))
    later = CREATED + timedelta(hours=1)
    resumed = records.change(job, partial(transitions.resume, now=later))
    assert resumed.unreconciled_since == CREATED
    assert records.now(job) == resumed


@pytest.mark.emulator
def test_a_job_that_an_older_release_let_go_on_may_have_unrecorded_rows(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older release may have asked the destinations too late, and have recorded that it knows all."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client, job = (
        firestore.Client(project="test-older-retry"),
        replace(transporting(), confirmed=True, retry=1),
    )
    fields = job_fields(job) | {"reconciled": True, "status": "failed", "time_completed": CREATED}
    del fields["unreconciled_since"], fields["unreconciled_of"]
    document = client.document("organizations", "acme", "jobs", job.job_id)
    document.set(fields)
    jobs, claimed_at = FirestoreJobs(client, lambda _event: None), job.require_attempt().claimed_at
    failed = jobs.get("acme", job.job_id)
    assert failed is not None
    assert (failed.unknown_since, failed.reconciled) == (claimed_at, False)
    jobs.change("acme", job.job_id, partial(transitions.nudge, now=CREATED, chunks_left=None))
    stored = document.get().to_dict() or {}
    assert (stored["unreconciled_since"], stored["reconciled"]) == (claimed_at, False)
    reconciled = partial(transitions.tear_down, retry=1, reconciled=True, records_kept=RECORDS_KEPT)
    jobs.change("acme", job.job_id, reconciled)
    again = jobs.change("acme", job.job_id, partial(transitions.retry, now=CREATED, after=1))
    assert again.unreconciled_since is None
    assert jobs.get("acme", job.job_id) == again


@pytest.mark.emulator
@pytest.mark.parametrize("way", ["retry", "resume"])
def test_what_a_job_had_unrecorded_before_an_older_release_let_it_go_on_is_not_all(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The older release changes only the fields that it knows."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client, job = firestore.Client(project=f"test-older-{way}"), replace(transporting(), confirmed=True)
    document = client.document("organizations", "acme", "jobs", job.job_id)
    jobs = FirestoreJobs(client, lambda _event: None)
    document.set(job_fields(job))
    later, claimed_at = CREATED + timedelta(hours=1), job.require_attempt().claimed_at
    if way == "retry":
        document.update({"retry": 1, "time_retried": later, "reconciled": False})
    else:
        document.update({"time_resumed": later, "time_paused": None, "reconciled": False})
    jobs.change("acme", job.job_id, partial(transitions.pause, now=later))
    stopped = jobs.get("acme", job.job_id)
    assert stopped is not None
    assert stopped.unknown_since == claimed_at
    jobs.change("acme", job.job_id, partial(transitions.reconcile_pause, since=later))
    resumed = jobs.change("acme", job.job_id, partial(transitions.resume, now=later + timedelta(hours=1)))
    assert resumed.unreconciled_since is None
    assert jobs.get("acme", job.job_id) == resumed
