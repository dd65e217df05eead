"""A restore as docs/operations.md describes it, with jobs under way: the steps on Firestore's emulator.

The test plays the export and the import. It runs the page's own commands for what the import left.
"""

import re
import shlex
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.cloud import firestore

from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import DeliverChunk, StageJob, TearDownJob
from shared.operator.__main__ import main as operate
from shared.web.receipts import receipt
from tests.contract.exports import exported, imported
from tests.contract.records import Records, in_firestore
from tests.fakes.examples import new_job
from tests.unit.steps.world import World

pytestmark = pytest.mark.emulator

DOCUMENT = Path(__file__).parents[2] / "docs/operations.md"


def documented_commands() -> list[list[str]]:
    """Return the operator's commands of the section that change records in Firestore alone."""
    section = DOCUMENT.read_text().split("\n## Restore\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\.venv/bin/python -m shared\.operator (.*)$", section, re.MULTILINE)
    return [words for words in map(shlex.split, lines) if words[0] not in {"keys", "limit", "replay"}]


@dataclass(frozen=True)
class Service:
    """All steps, with their records in a project of the emulator."""

    client: firestore.Client
    world: World
    records: Records

    def now(self, job: Job) -> Job:
        return self.records.now(job)

    def accept(self) -> Job:
        return self.world.accept(new_job(time_created=self.world.clock.now()))

    def stage(self, job: Job) -> list[DeliverChunk]:
        """Stage the job, and return the messages of its chunks."""
        while self.now(job).status is JobStatus.STAGING:  # the first run leaves the unload to Snowflake
            self.world.handle.run(StageJob(job.organization_id, job.job_id, 0))
        return [message for message in self.world.queue.taken() if isinstance(message, DeliverChunk)]

    def deliver(self, messages: list[DeliverChunk]) -> None:
        """Deliver the chunks. If a job is complete, remove what it leaves in the bucket."""
        for message in messages:
            self.world.handle.run(message)
        for left in self.world.queue.taken():
            if isinstance(left, TearDownJob):
                self.world.handle.run(left)

    def restore(self, documents: dict[str, dict[str, object]]) -> None:
        """Import, and let all messages be lost: the sweep publishes again what jobs lack."""
        imported(self.client, documents)
        self.world.queue.taken()
        self.world.underway.clear()
        for words in documented_commands():
            assert operate(words) == 0

    def check(self, job: Job) -> None:
        """Check that the job is completed, with every count as it would be without a restore."""
        job = self.now(job)
        assert (job.status, job.num_chunks, job.num_rows) == (JobStatus.COMPLETED, 3, 13)
        assert self.records.jobs.counts(job) == Counts(0, 0)
        assert list(self.records.chunks.undelivered(job)) == []
        told = receipt(job, self.records.listings.destinations(job), {})
        assert told["balanced"]
        assert [one["rows_delivered"] for one in told["destinations"]] == [13, 13]


@pytest.fixture
def service(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Service:
    project = f"test-{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    client = firestore.Client(project=project)
    world, records = World(rows=13, polls=30), in_firestore(client)
    parts = ("jobs", "chunks", "deliveries", "retention", "topics", "broker", "clock")
    for part in parts:
        setattr(world, part, getattr(records, part))
    world._wire()
    return Service(client, world, records)


def test_the_page_names_the_command() -> None:
    assert documented_commands() == [["repair"]]


def test_jobs_under_way_complete_and_the_topic_of_a_later_job_is_kept(service: Service) -> None:
    world = service.world
    job, staging = service.accept(), service.accept()
    messages = service.stage(job)
    service.deliver(messages[:1])
    world.handle.run(StageJob(staging.organization_id, staging.job_id, 0))
    documents = exported(service.client)
    assert service.records.jobs.counts(service.now(job)) == Counts(2, 8)
    assert service.now(staging).require_attempt().query_id

    # Everything is delivered after that minute, and another job begins to use the same topic.
    service.deliver([*messages[1:], *service.stage(staging)])
    for one in (job, staging):
        service.check(one)
        assert service.now(one).torn_down
    later = service.accept()
    service.stage(later)

    service.restore(dict(documents))
    assert service.now(job).status is JobStatus.TRANSPORTING
    assert service.now(staging).status is JobStatus.STAGING
    world.run()
    for one in (job, staging, later):
        service.check(one)
    assert world.reports == []
    assert world.broker.topics == {"beam.acme.transfers"}


def test_a_cancel_after_the_restore_keeps_the_topic_that_another_job_names(service: Service) -> None:
    world = service.world
    job = service.accept()
    service.stage(job)
    documents = exported(service.client)
    later = service.accept()
    service.stage(later)

    service.restore(dict(documents))
    world.cancel(job)
    world.run()
    assert service.now(job).torn_down
    assert world.broker.topics == {"beam.acme.transfers"}
    service.check(later)


def test_a_job_that_failed_for_want_of_a_count_completes_with_a_retry(service: Service) -> None:
    """An earlier release did not count again after a restore, so JOB_LIMIT ended the job."""
    world = service.world
    job = service.accept()
    messages = service.stage(job)
    documents = exported(service.client)
    service.deliver(messages)
    service.restore(dict(documents))
    world.finish.fail(job.organization_id, job.job_id, "The job did not end within 168 hours", retry=0)
    world.run()
    world.retry(job)
    world.run()
    service.check(job)
