"""The topics' records as Firestore keeps them: each read and each write is a call of its own."""

from dataclasses import dataclass, field, replace

from shared.errors import Busy
from shared.jobs import Job, KafkaDestination
from tests.fakes.jobs import FakeJobs, Name
from tests.model.kafka import Kafka


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """``jobs`` that ever named the topic; who created it, and who is removing it, by job id."""

    jobs: int
    created_by: str | None = None
    removing: str | None = None


@dataclass(slots=True)
class TopicRecords:
    """The documents; ``jobs`` counts in them whenever it records a job."""

    jobs: FakeJobs
    owners: dict[Name, TopicRecord] = field(default_factory=dict)

    def read(self, name: Name) -> TopicRecord:
        return replace(self.owners.get(name, TopicRecord(0)), jobs=self.jobs.topics.get(name, 0))

    def write_if(self, name: Name, seen: TopicRecord, record: TopicRecord) -> bool:
        """Write unless somebody has written since it was read."""
        if self.read(name) != seen:
            return False
        self.owners[name] = record
        return True

    def removed(self, name: Name) -> None:
        """The topic is gone; its creator stays on record."""
        self.owners[name] = replace(self.owners.get(name, TopicRecord(0)), removing=None)


@dataclass(frozen=True, slots=True)
class RecordedTopics:
    """Fulfils the port Topics, by the protocol of the adapter over Firestore."""

    records: TopicRecords
    broker: Kafka

    def ensure(self, job: Job, destination: KafkaDestination) -> None:
        name, topic = _names(job, destination)
        seen = self.records.read(name)
        if seen.removing is not None:
            raise Busy("the topic is just being removed")
        if self.broker.exists(topic):
            return
        if not self.records.write_if(name, seen, replace(seen, created_by=job.job_id)):
            raise Busy("the topic is just being created")
        self.broker.create(topic)

    def remove(self, job: Job, destination: KafkaDestination) -> None:
        name, topic = _names(job, destination)
        seen = self.records.read(name)
        if seen.jobs != 1 or seen.created_by != job.job_id:
            if seen.removing != job.job_id:
                return
        elif not self.records.write_if(name, seen, replace(seen, removing=job.job_id)):
            raise Busy("the topic's record has just changed")
        self.broker.delete(topic)
        self.records.removed(name)


def _names(job: Job, destination: KafkaDestination) -> tuple[Name, str]:
    name = (job.organization_id, destination.name)
    return name, f"beam.{job.organization_id}.{destination.name}"
