"""Kafka topics in memory: a broker that holds their names, and the record of who may remove them."""

from dataclasses import dataclass, field

from shared.errors import Unavailable
from shared.jobs import Job, KafkaDestination
from tests.fakes.jobs import FakeJobs, Name


@dataclass(slots=True)
class FakeBroker:
    """What the topics' records ask of Kafka. While ``down``, everything raises Unavailable."""

    topics: set[str] = field(default_factory=set)
    down: bool = False

    def exists(self, topic: str) -> bool:
        self._reach()
        return topic in self.topics

    def create(self, topic: str) -> bool:
        self._reach()
        new = topic not in self.topics
        self.topics.add(topic)
        return new

    def delete(self, topic: str) -> None:
        self._reach()
        self.topics.discard(topic)

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("Kafka")


class FakeTopics:
    """Fulfils the port Topics; ``jobs`` counts which topic how many jobs ever named."""

    def __init__(self, jobs: FakeJobs, broker: FakeBroker) -> None:
        self._jobs = jobs
        self._broker = broker
        self._created_by: dict[Name, str] = {}

    def ensure(self, job: Job, destination: KafkaDestination) -> None:
        topic = f"beam.{job.organization_id}.{destination.name}"
        if not self._broker.exists(topic):
            self._created_by[job.organization_id, destination.name] = job.job_id
            self._broker.create(topic)

    def remove(self, job: Job, destination: KafkaDestination) -> None:
        name = (job.organization_id, destination.name)
        if self._jobs.topics.get(name) == 1 and self._created_by.get(name) == job.job_id:
            self._broker.delete(f"beam.{job.organization_id}.{destination.name}")
            del self._created_by[name]
