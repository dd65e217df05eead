"""Kafka topics in memory: a broker that holds their names, and the record of who may remove them."""

from dataclasses import dataclass, field

from shared.errors import Busy, Unavailable
from shared.jobs import Job, KafkaDestination
from tests.fakes.jobs import FakeJobs, Name


@dataclass(slots=True)
class FakeBroker:
    """What the topics' records ask of Kafka. While ``down``, everything raises Unavailable."""

    topics: set[str] = field(default_factory=set)
    down: bool = False
    refusals: int = 0

    def refuse_next_creation(self) -> None:
        """The next topic is not created, for a passing reason."""
        self.refusals = 1

    def exists(self, topic: str) -> bool:
        self._reach()
        return topic in self.topics

    def create(self, topic: str) -> bool:
        self._reach()
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("Kafka")
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
        self._removing: dict[Name, str] = {}

    def ensure(self, job: Job, destination: KafkaDestination) -> None:
        name = (job.organization_id, destination.name)
        if name in self._removing:
            raise Busy("the topic is just being removed")
        if not self._broker.exists(_topic(name)):
            self._created_by[name] = job.job_id
            self._broker.create(_topic(name))

    def remove(self, job: Job, destination: KafkaDestination) -> None:
        name = (job.organization_id, destination.name)
        if self._jobs.topics.get(name) == 1 and self._created_by.get(name) == job.job_id:
            self._removing[name] = job.job_id
        if self._removing.get(name) == job.job_id:
            self._broker.delete(_topic(name))
            del self._removing[name]


def _topic(name: Name) -> str:
    return f"beam.{name[0]}.{name[1]}"
