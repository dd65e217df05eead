"""Kafka topics in memory: a broker with their names, and the record of who may remove them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.adapters.firestore_topics import BEGINS_WITHIN, ITS_OWN
from shared.destinations.kafka.names import topic_name
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, Busy, Unavailable
from shared.domain.jobs import Job
from tests.fakes.clock import FakeClock
from tests.fakes.jobs import FakeJobs, Name


@dataclass(slots=True)
class FakeBroker:
    """The broker's part of the topics' records. While ``down``, everything raises Unavailable.

    ``before_deletion`` runs once, when a topic is about to be deleted.
    """

    clock: FakeClock
    topics: set[str] = field(default_factory=set)
    down: bool = False
    refusals: int = 0
    before_deletion: Callable[[], object] | None = None

    def name_of(self, organization_id: str, destination: Destination) -> str:
        return topic_name(organization_id, destination.name)

    def refuse_next_creation(self) -> None:
        """Fail the creation of the next topic with a temporary error."""
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

    def delete(self, topic: str, until: float) -> None:
        happens, self.before_deletion = self.before_deletion, None
        if happens is not None:
            happens()
        self._reach()
        if self.clock.monotonic() > until:
            raise Busy("the time to remove the topic was over")
        self.topics.discard(topic)

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("Kafka")


@dataclass(slots=True)
class Removal:
    """The removing job, and until when the topic is its remover's alone."""

    job_id: str
    until: datetime


class FakeTopics:
    """Implements the port Topics; ``jobs`` counts how many jobs ever named each topic."""

    def __init__(self, jobs: FakeJobs, broker: FakeBroker) -> None:
        self._jobs = jobs
        self._broker = broker
        self._clock = broker.clock
        self._created_by: dict[Name, str] = {}
        self._removing: dict[Name, Removal] = {}

    def ensure(self, job: Job, destination: Destination) -> None:
        name = (job.organization_id, destination.name)
        if name in self._removing:
            raise Busy("the topic is just being removed")
        if not self._broker.exists(_topic(name)):
            self._created_by[name] = job.job_id
            self._broker.create(_topic(name))

    def remove(self, job: Job, destination: Destination) -> None:
        name, until = (job.organization_id, destination.name), self._clock.monotonic() + BEGINS_WITHIN
        if name not in self._removing and (
            self._jobs.topics.get(name) != 1 or self._created_by.get(name) != job.job_id
        ):
            return
        now = self._clock.now()
        earlier = self._removing.get(name, Removal(job.job_id, now))
        if earlier.job_id != job.job_id:
            return
        if earlier.until > now:
            raise Busy("the topic is just being removed")
        mine = self._removing[name] = Removal(job.job_id, now + timedelta(seconds=ITS_OWN))
        try:
            self._broker.delete(_topic(name), until)
        except BackfillError:
            mine.until = self._clock.now()
            raise
        if self._removing.get(name) is mine:
            del self._removing[name]


def _topic(name: Name) -> str:
    return f"beam.{name[0]}.{name[1]}"
