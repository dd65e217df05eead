"""A job that this release cannot read, for example after a rollback, stops no other job."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud import firestore

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_retention import FirestoreRetention
from shared.domain import transitions
from shared.domain.errors import JobUnreadable
from shared.domain.events import Event, JobPassedOver
from shared.domain.jobs import Job
from tests.fakes.examples import CREATED, new_job, transporting

pytestmark = pytest.mark.emulator

DUE = CREATED + timedelta(days=90)
UNKNOWN: dict[str, dict[str, Any]] = {
    "a kind of destination": {"destinations": [{"type": "kinesis", "name": "a", "uid": "1"}]},
    "a status": {"status": "archiving"},
    "a field of the window": {"window.timezone": "UTC"},
    "another form of a time": {"time_nudged": "2026-03-01"},
    "no field that must be there": {"table": firestore.DELETE_FIELD},
}


@dataclass
class Store:
    """A project of the emulator, with the events that its jobs caused."""

    client: firestore.Client
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs = FirestoreJobs(self.client, self.events.append)
        self.listings = FirestoreListings(self.client, self.events.append)
        self.retention = FirestoreRetention(self.client, self.events.append)

    def add(self, **changes: Any) -> Job:
        job = replace(new_job(confirmed=True), **changes)
        self.jobs.create(job, [])
        return job

    def spoil(self, job: Job, fields: dict[str, Any]) -> None:
        self.client.document("organizations", job.organization_id, "jobs", job.job_id).update(fields)

    def passed_over(self, *jobs: Job) -> None:
        """Check that exactly these jobs were reported, in this order, and forget it."""
        expected = [JobPassedOver(organization_id=job.organization_id, job_id=job.job_id) for job in jobs]
        assert self.events == expected
        self.events.clear()


@pytest.fixture
def store(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    return Store(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))


@pytest.mark.parametrize("fields", UNKNOWN.values(), ids=UNKNOWN)
def test_the_sweep_and_the_lists_pass_it_over_and_report_it(store: Store, fields: dict[str, Any]) -> None:
    jobs = [store.add(time_created=CREATED + timedelta(seconds=number)) for number in range(3)]
    other = store.add(organization_id="globex")
    store.spoil(jobs[1], fields)
    found = {job.job_id for job in store.jobs.active()}
    assert found == {jobs[0].job_id, jobs[2].job_id, other.job_id}
    store.passed_over(jobs[1])
    assert [job.job_id for job, _, _ in store.listings.jobs("acme")] == [jobs[0].job_id, jobs[2].job_id]
    store.passed_over(jobs[1])
    assert store.listings.latest_rows("acme", jobs[0].table) == []
    store.passed_over(jobs[1])


def test_the_jobs_own_error_names_what_is_unknown_to_the_operator_alone(store: Store) -> None:
    job = store.add()
    store.spoil(job, UNKNOWN["a kind of destination"])
    for call in (
        lambda: store.jobs.get("acme", job.job_id),
        lambda: store.jobs.change("acme", job.job_id, partial(transitions.cancel, now=CREATED)),
        lambda: store.jobs.remove_unconfirmed(job),
    ):
        with pytest.raises(JobUnreadable) as raised:
            call()
        assert "kinesis" in raised.value.detail
        assert job.job_id in raised.value.detail
        assert "kinesis" not in raised.value.message


def test_a_list_goes_on_behind_pages_of_nothing_else(store: Store) -> None:
    jobs = [store.add(time_created=CREATED + timedelta(seconds=number)) for number in range(205)]
    for job in jobs[:204]:
        store.spoil(job, UNKNOWN["a status"])
    assert [job.job_id for job, _, _ in store.listings.jobs("acme", limit=5)] == [jobs[204].job_id]
    store.passed_over(*jobs[:204])


def test_old_records_are_removed_behind_jobs_that_cannot_be_read(store: Store) -> None:
    ended = [
        replace(
            transitions.cancel(transporting(), CREATED),
            torn_down=True,
            records_until=DUE + timedelta(seconds=number),
        )
        for number in range(5)
    ]
    for job in ended:
        store.jobs.create(job, [])
    for job in ended[:4]:
        store.spoil(job, UNKNOWN["a status"])
    later = DUE + timedelta(days=1)
    assert [job.job_id for job in store.retention.due(later, 2)] == [ended[4].job_id]
    store.passed_over(*ended[:4])
    store.spoil(ended[4], UNKNOWN["a status"])
    assert list(store.retention.due(later, 5)) == []
