"""Kafka's part in exactly once: topics, fenced transactions, and markers within them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.destinations.kafka.names import topic_of, transaction_of
from shared.domain.errors import Busy, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery, Pulse, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.rows import rows_of

LEAST_SECONDS = 60.0
MISSING_SECONDS = 6.0
TRANSACTION_SECONDS = 480.0

JobRow = tuple[str, int, int]
"""Job, chunk, and the row's index in the chunk."""


@dataclass(slots=True)
class Topic:
    """The rows that read_committed consumers see, and the transactions with markers.

    ``rows`` came in transactions, ``loose_rows`` without, at least once.
    """

    rows: list[JobRow] = field(default_factory=list)
    loose_rows: list[JobRow] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Transaction:
    """The newest sender under a transactional id; ``open_rows`` are not committed yet. ``ends``: when the
    broker aborts the transaction.
    """

    epoch: int = 0
    ends: float = 0.0
    marked: bool = False
    open_rows: list[JobRow] = field(default_factory=list)


@dataclass(slots=True)
class Kafka:
    """Implements Broker for the topics' records, and accepts transactions."""

    clock: FakeClock
    topics: dict[str, Topic] = field(default_factory=dict)
    transactions: dict[str, Transaction] = field(default_factory=dict)

    def exists(self, topic: str) -> bool:
        return topic in self.topics

    def create(self, topic: str) -> bool:
        new = topic not in self.topics
        self.topics.setdefault(topic, Topic())
        return new

    def delete(self, topic: str, until: float) -> None:
        """Delete the topic. No process stops for long between reading the clock and its request."""
        if self.clock.monotonic() > until:
            raise Busy("the time to remove the topic was over")
        self.topics.pop(topic, None)

    def fence(self, transactional_id: str) -> int:
        """Fence earlier senders and drop their open rows."""
        transaction = self.transactions.setdefault(transactional_id, Transaction())
        self._abort(transaction)
        transaction.ends = self.clock.monotonic() + TRANSACTION_SECONDS
        return transaction.epoch

    def committed(self, topic: str, transactional_id: str) -> bool:
        """Return whether the topic has the marker. Raises Unavailable while its transaction is open."""
        transaction = self.transactions.get(transactional_id, Transaction())
        self._expire(transaction)
        if transaction.marked:
            raise Unavailable("Kafka")
        return topic in self.topics and transactional_id in self.topics[topic].markers

    def produce(self, transactional_id: str, epoch: int, rows: list[JobRow]) -> None:
        self._mine(transactional_id, epoch).open_rows += rows

    def send(self, topic: str, rows: list[JobRow]) -> None:
        """Accept rows without a transaction."""
        if topic not in self.topics:
            raise Unavailable("Kafka")
        self.topics[topic].loose_rows += rows

    def mark(self, transactional_id: str, epoch: int) -> None:
        """Add the marker to the transaction."""
        self._mine(transactional_id, epoch).marked = True

    def commit(self, topic: str, transactional_id: str, epoch: int) -> None:
        """Make the rows and the marker visible together."""
        transaction = self._mine(transactional_id, epoch)
        if topic not in self.topics:
            raise Unavailable("Kafka")
        assert transaction.marked
        self.topics[topic].rows += transaction.open_rows
        self.topics[topic].markers.add(transactional_id)
        transaction.open_rows, transaction.marked = [], False

    def _mine(self, transactional_id: str, epoch: int) -> Transaction:
        transaction = self.transactions[transactional_id]
        self._expire(transaction)
        if transaction.epoch != epoch:
            raise Busy("another sender has fenced this one")
        return transaction

    def _expire(self, transaction: Transaction) -> None:
        if transaction.open_rows and transaction.ends <= self.clock.monotonic():
            self._abort(transaction)

    def _abort(self, transaction: Transaction) -> None:
        transaction.epoch += 1
        transaction.open_rows, transaction.marked = [], False


@dataclass(frozen=True, slots=True)
class TransactionalSink:
    """Implements the port Sink with the steps of the product's Kafka sink, in their order."""

    kafka: Kafka
    clock: FakeClock

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        if pulse.seconds_left() < LEAST_SECONDS:
            return False
        topic = topic_of(delivery)
        assert delivery.destination.type == "kafka"
        self._require(topic, pulse)
        if delivery.destination.traits.marked:
            self._commit(topic, delivery, rows, pulse)
        else:
            for found in self._batches(delivery, rows, pulse):
                self.kafka.send(topic, found)
        return True

    def _commit(self, topic: str, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        name = transaction_of(delivery)
        epoch = self.kafka.fence(name)
        if self.kafka.committed(topic, name):
            return
        for found in self._batches(delivery, rows, pulse):
            self.kafka.produce(name, epoch, found)
        self._require(topic, pulse)
        self.kafka.mark(name, epoch)
        self.kafka.commit(topic, name, epoch)

    def _batches(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> Iterator[list[JobRow]]:
        for batch in rows.batches(3):
            pulse.check()
            yield [(delivery.job_id, chunk, row) for chunk, row in rows_of(batch)]

    def _require(self, topic: str, pulse: Pulse) -> None:
        """Require the topic. It may be missing because the job has ended, so the pulse gets time to notice
        first.
        """
        since = self.clock.monotonic()
        while not self.kafka.exists(topic):
            pulse.check()
            if self.clock.monotonic() - since > MISSING_SECONDS:
                raise DestinationRefused(f"Kafka topic {topic} does not exist")
            self.clock.sleep(1.0)
        pulse.check()


@dataclass(frozen=True, slots=True)
class KafkaMarkers:
    """Implements the port Markers."""

    kafka: Kafka

    def committed(self, delivery: ChunkDelivery) -> bool:
        return self.kafka.committed(topic_of(delivery), transaction_of(delivery))
