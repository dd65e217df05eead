"""The topics' records as in Firestore: each read and each write is a separate call."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from shared.adapters.firestore_documents import RACES
from shared.adapters.firestore_topics import BEGINS_WITHIN, ITS_OWN
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, Busy, Unavailable
from shared.domain.jobs import Job
from tests.fakes.clock import FakeClock
from tests.fakes.jobs import FakeJobs, Name
from tests.model.kafka import Kafka


@dataclass(frozen=True, slots=True)
class Removal:
    """The job and the remover, and until when the topic is that remover's alone."""

    job_id: str
    holder: int
    until: datetime


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """``jobs`` that ever named the topic; its creator, by job id; its current removal."""

    jobs: int
    created_by: str | None = None
    removing: Removal | None = None


@dataclass(slots=True)
class TopicRecords:
    """The documents; ``jobs`` counts in them whenever it records a job."""

    jobs: FakeJobs
    owners: dict[Name, TopicRecord] = field(default_factory=dict)

    def read(self, name: Name) -> TopicRecord:
        return replace(self.owners.get(name, TopicRecord(0)), jobs=self.jobs.topics.get(name, 0))

    def write_if(self, name: Name, seen: TopicRecord, record: TopicRecord) -> bool:
        """Write unless the record has changed since it was read."""
        if self.read(name) != seen:
            return False
        self.owners[name] = record
        return True


@dataclass(frozen=True, slots=True)
class RecordedTopics:
    """Implements the port Topics with the protocol of the Firestore adapter."""

    records: TopicRecords
    broker: Kafka
    clock: FakeClock
    holders: Iterator[int] = field(default_factory=count)

    def ensure(self, job: Job, destination: Destination) -> None:
        name, topic = _names(job, destination)
        seen = self.records.read(name)
        if seen.removing is not None:
            raise Busy("the topic is just being removed")
        if self.broker.exists(topic):
            return
        if not self.records.write_if(name, seen, replace(seen, created_by=job.job_id)):
            raise Busy("the topic is just being created")
        self.broker.create(topic)

    def remove(self, job: Job, destination: Destination) -> None:
        name, topic = _names(job, destination)
        holder, until = next(self.holders), self.clock.monotonic() + BEGINS_WITHIN
        if not self._claim(job, name, holder):
            return
        try:
            self.broker.delete(topic, until)
        except BackfillError:
            self._settle(name, holder, lambda removal: replace(removal, until=self.clock.now()))
            raise
        self._settle(name, holder, lambda _: None)

    def _claim(self, job: Job, name: Name, holder: int) -> bool:
        for _ in range(RACES):
            seen, now = self.records.read(name), self.clock.now()
            if seen.removing is None:
                if seen.jobs != 1 or seen.created_by != job.job_id:
                    return False
            elif seen.removing.job_id != job.job_id:
                return False
            elif seen.removing.until > now:
                raise Busy("the topic is just being removed")
            claim = Removal(job.job_id, holder, now + timedelta(seconds=ITS_OWN))
            if self.records.write_if(name, seen, replace(seen, removing=claim)):
                return True
        raise Unavailable("the job store")

    def _settle(self, name: Name, holder: int, change: Callable[[Removal], Removal | None]) -> None:
        for _ in range(RACES):
            seen = self.records.read(name)
            if seen.removing is None or seen.removing.holder != holder:
                return
            if self.records.write_if(name, seen, replace(seen, removing=change(seen.removing))):
                return
        raise Unavailable("the job store")


def _names(job: Job, destination: Destination) -> tuple[Name, str]:
    name = (job.organization_id, destination.name)
    return name, f"beam.{job.organization_id}.{destination.name}"
