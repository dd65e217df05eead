"""Records of jobs, chunks, deliveries and topics, in memory and in Firestore, for one suite of tests."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
from google.cloud import firestore

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_deliveries import FirestoreDeliveries
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_limits import Limits
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_receipts import FirestoreReceipts
from shared.adapters.firestore_retention import FirestoreRetention
from shared.adapters.firestore_topics import FirestoreTopics
from shared.domain import transitions
from shared.domain.chunks import Chunk, number_files, shards_for
from shared.domain.jobs import FilterValue, Job
from shared.steps.ports import Topics
from shared.steps.records import Chunks, Deliveries, Jobs, Listings, Receipts, Retention
from tests.fakes.chunks import FakeChunks
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.examples import COLUMNS, CREATED, new_attempt, new_job, staged_files
from tests.fakes.jobs import FakeJobs
from tests.fakes.receipts import FakeReceipts
from tests.fakes.retention import FakeRetention
from tests.fakes.topics import FakeBroker, FakeTopics

LEASE = 15.0
MOST_IN_FLIGHT = 10_000  # jobs, far above what tests use except those of the limit
BOTH = ("memory", pytest.param("firestore", marks=pytest.mark.emulator))


@dataclass(frozen=True, slots=True)
class Records:
    """One store with all its parts; the test controls the lease's clock."""

    jobs: Jobs
    listings: Listings
    chunks: Chunks
    deliveries: Deliveries
    receipts: Receipts
    retention: Retention
    topics: Topics
    broker: FakeBroker
    clock: FakeClock

    def created(self, job: Job | None = None, values: Sequence[FilterValue] = ()) -> Job:
        """Return a recorded and confirmed job."""
        job = job or new_job()
        self.jobs.create(job, values)
        return self.change(job, transitions.confirm)

    def claimed(self, job: Job | None = None) -> Job:
        """Return a job with a staging attempt."""
        job = self.created(job)
        claim = partial(
            transitions.claim, attempt=new_attempt(), previous=None, columns=COLUMNS, key_column="unique_id"
        )
        return self.change(job, claim)

    def transporting(self, chunks: int = 3, job: Job | None = None) -> tuple[Job, list[Chunk]]:
        """Return a job with its manifest committed; five rows per chunk."""
        job, found = self.claimed(job), number_files(staged_files(chunks))
        self.chunks.record(job, found)
        return self.chunks.commit(job, manifest(job, found), found), found

    def change(self, job: Job, transition: Callable[[Job], Job]) -> Job:
        return self.jobs.change(job.organization_id, job.job_id, transition)

    def now(self, job: Job) -> Job:
        """Return the job as it is stored."""
        stored = self.jobs.get(job.organization_id, job.job_id)
        assert stored is not None
        return stored


def manifest(job: Job, chunks: Sequence[Chunk]) -> Callable[[Job], Job]:
    """Return the transition that makes these the job's chunks."""
    return partial(
        transitions.staged,
        attempt_id=job.require_attempt().attempt_id,
        chunks=len(chunks),
        rows=sum(chunk.rows for chunk in chunks),
        size=sum(chunk.size for chunk in chunks),
        shards=shards_for(len(chunks)),
        now=CREATED,
    )


def in_memory(most: int = MOST_IN_FLIGHT) -> Records:
    clock, jobs = FakeClock(), FakeJobs(most_in_flight=most)
    broker = FakeBroker(clock)
    deliveries = FakeDeliveries(jobs, lease_length=LEASE, now=clock.now)
    chunks = FakeChunks(jobs)
    return Records(
        jobs,
        jobs,
        chunks,
        deliveries,
        FakeReceipts(chunks, deliveries),
        FakeRetention(jobs, chunks, deliveries),
        FakeTopics(jobs, broker),
        broker,
        clock,
    )


def in_firestore(client: firestore.Client, most: int = MOST_IN_FLIGHT) -> Records:
    clock = FakeClock()
    broker = FakeBroker(clock)
    jobs = FirestoreJobs(client, lambda _event: None, Limits(client, most, clock.monotonic))
    deliveries = FirestoreDeliveries(
        client, lease_length=LEASE, now=clock.now, new_holder=lambda: str(uuid.uuid4())
    )
    topics = FirestoreTopics(
        client,
        broker,
        now=clock.now,
        monotonic=clock.monotonic,
        new_holder=lambda: str(uuid.uuid4()),
    )
    return Records(
        jobs,
        FirestoreListings(client, lambda _event: None),
        FirestoreChunks(client, jobs),
        deliveries,
        FirestoreReceipts(client),
        FirestoreRetention(client, lambda _event: None),
        topics,
        broker,
        clock,
    )


@pytest.fixture(params=BOTH)
def records(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Records:
    """Return an empty store of each kind; for Firestore, in a new project of the emulator."""
    if request.param == "memory":
        return in_memory()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("firestore_host"))
    return in_firestore(firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}"))
