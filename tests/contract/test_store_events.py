"""A job's end is logged once it is stored, whatever its cause."""

import uuid
from dataclasses import replace
from functools import partial

import pytest
from google.cloud import firestore

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.domain import transitions
from shared.domain.errors import StateConflict
from shared.domain.events import Event, JobEnded
from shared.domain.jobs import Job
from tests.fakes.examples import CREATED, RECORDS_KEPT, claimed, new_job, transporting

pytestmark = pytest.mark.emulator

LATER = CREATED.replace(hour=CREATED.hour + 1)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def jobs(firestore_host: str, monkeypatch: pytest.MonkeyPatch, events: list[Event]) -> FirestoreJobs:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    return FirestoreJobs(client, events.append)


def ended(job: Job, status: str, seconds: float) -> JobEnded:
    """Return the event; for a failed job, with the client's reason."""
    why = "why" if status == "failed" else None
    return JobEnded(
        organization_id="acme", job_id=job.job_id, status=status, seconds=seconds, error_message=why
    )


def test_each_end_is_told_with_how_long_the_job_took(jobs: FirestoreJobs, events: list[Event]) -> None:
    ends = {
        "completed": partial(transitions.complete, now=LATER),
        "cancelled": partial(transitions.cancel, now=LATER),
        "failed": partial(transitions.fail, message="why", now=LATER, retry=0),
    }
    for status, end in ends.items():
        job = transporting()
        jobs.create(job, [])
        jobs.change("acme", job.job_id, end)
        jobs.change(
            "acme",
            job.job_id,
            partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT),
        )
        assert events.pop() == ended(job, status, 3600.0)
    assert events == []


def test_a_change_that_ends_nothing_is_not_told(jobs: FirestoreJobs, events: list[Event]) -> None:
    job = new_job()
    jobs.create(job, [])
    jobs.change("acme", job.job_id, transitions.confirm)
    failed = jobs.change("acme", job.job_id, partial(transitions.fail, message="why", now=LATER, retry=0))
    jobs.change("acme", job.job_id, partial(transitions.fail, message="again", now=LATER, retry=0))
    with pytest.raises(StateConflict):
        jobs.change("acme", job.job_id, partial(transitions.cancel, now=LATER))
    jobs.change("acme", job.job_id, partial(transitions.retry, now=LATER, after=0))
    assert events == [ended(failed, "failed", 3600.0)]


def test_a_job_that_a_retry_completes_at_once_has_ended_again(
    jobs: FirestoreJobs, events: list[Event]
) -> None:
    job = transitions.fail(transporting(), "why", CREATED, retry=0)
    jobs.create(job, [])
    jobs.change(
        "acme",
        job.job_id,
        lambda found: transitions.complete(transitions.retry(found, LATER, after=0), LATER),
    )
    assert events == [ended(job, "completed", 0.0)]


def test_a_job_of_a_newer_release_is_read_by_an_older_one(jobs: FirestoreJobs) -> None:
    """The older release ignores the newer one's fields, and continues the job."""
    job = replace(claimed(new_job()), trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    jobs.create(job, [])
    reference = jobs._client.document("organizations", "acme", "jobs", job.job_id)
    reference.update({"added_later": 1, "attempt.added_later": 1})
    assert jobs.get("acme", job.job_id) == job
