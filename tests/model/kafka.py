"""Kafka as far as exactly once depends on it: topics, fenced transactions, and markers within them."""

from dataclasses import dataclass, field

from shared.errors import Busy, DestinationRefused, Unavailable
from shared.steps.ports import ChunkDelivery, Pulse, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.rows import rows_of

LEAST_SECONDS = 60.0
MISSING_SECONDS = 6.0

JobRow = tuple[str, int, int]
"""Job, chunk, and the row's index in it."""


@dataclass(slots=True)
class Topic:
    """What readers of committed rows see, and the transactions whose markers came with them."""

    rows: list[JobRow] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Transaction:
    """The newest sender under a transactional id; ``open_rows`` are not committed yet."""

    epoch: int = 0
    open_rows: list[JobRow] = field(default_factory=list)


@dataclass(slots=True)
class Kafka:
    """Fulfils Broker for the topics' records, and takes transactions."""

    topics: dict[str, Topic] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)

    def exists(self, topic: str) -> bool:
        return topic in self.topics

    def create(self, topic: str) -> bool:
        new = topic not in self.topics
        self.topics.setdefault(topic, Topic())
        return new

    def delete(self, topic: str) -> None:
        self.topics.pop(topic, None)

    def fence(self, transactional_id: str) -> int:
        """Shut out earlier senders and drop what they left open."""
        transaction = self.transactions.setdefault(transactional_id, Transaction())
        transaction.epoch += 1
        transaction.open_rows = []
        return transaction.epoch

    def committed(self, topic: str, transactional_id: str) -> bool:
        return topic in self.topics and transactional_id in self.topics[topic].markers

    def produce(self, transactional_id: str, epoch: int, rows: list[JobRow]) -> None:
        self._mine(transactional_id, epoch).open_rows += rows

    def commit(self, topic: str, transactional_id: str, epoch: int) -> None:
        """Make the rows and the marker visible together."""
        transaction = self._mine(transactional_id, epoch)
        if topic not in self.topics:
            raise Unavailable("Kafka")
        self.topics[topic].rows += transaction.open_rows
        self.topics[topic].markers.add(transactional_id)
        transaction.open_rows = []

    def _mine(self, transactional_id: str, epoch: int) -> Transaction:
        transaction = self.transactions[transactional_id]
        if transaction.epoch != epoch:
            raise Busy("another sender has fenced this one")
        return transaction


@dataclass(frozen=True, slots=True)
class TransactionalSink:
    """Fulfils the port Sink by the steps of the product's Kafka sink, in their order."""

    kafka: Kafka
    clock: FakeClock

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        if pulse.seconds_left() < LEAST_SECONDS:
            return False
        topic = f"beam.{delivery.organization_id}.{delivery.destination.name}"
        name = f"{delivery.job_id}.{delivery.attempt_id}.{delivery.chunk}.{delivery.destination.uid}"
        self._require(topic, pulse)
        epoch = self.kafka.fence(name)
        if self.kafka.committed(topic, name):
            return True
        for batch in rows.batches(3):
            pulse.check()
            found = [(delivery.job_id, chunk, row) for chunk, row in rows_of(batch)]
            self.kafka.produce(name, epoch, found)
        self._require(topic, pulse)
        self.kafka.commit(topic, name, epoch)
        return True

    def _require(self, topic: str, pulse: Pulse) -> None:
        """A topic may be gone because the job has ended, so the pulse has time to notice first."""
        since = self.clock.monotonic()
        while not self.kafka.exists(topic):
            pulse.check()
            if self.clock.monotonic() - since > MISSING_SECONDS:
                raise DestinationRefused(f"Kafka topic {topic} does not exist any more")
            self.clock.sleep(1.0)
        pulse.check()
