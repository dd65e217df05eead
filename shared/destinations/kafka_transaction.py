"""Exactly once: a chunk's rows and the marker that says so, in one Kafka transaction.

The marker is the offset of a group that nobody joins, on the chunk's own topic. Looking it up closes the
one hole that transactions leave: a crash after Kafka's commit and before ours. It lives as long as the
broker keeps the offsets of an empty group (`offsets.retention.minutes`, 7 days by default), and goes with
its topic, as do the rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from shared.destinations.kafka_errors import is_missing, meaning, speaking_of
from shared.destinations.kafka_names import topic_of, transaction_of
from shared.errors import Unavailable
from shared.steps.ports import ChunkDelivery

_MARKER_PARTITION = 0
_BROKEN = frozenset({KafkaError._STATE, KafkaError._FATAL})  # noqa: SLF001 - librdkafka's own error codes
_PASSING = frozenset(
    {
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        # A young broker, or a group that has just moved.
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    }
)
_PAUSE = 0.05  # seconds between two looks
_SLICE = 1.0  # seconds in one blocking call, so that a cancel is noticed between two


class Stoppable(Protocol):
    """What a wait asks whether it is to go on; a Pulse, above all."""

    def check(self) -> None:
        """Raises when it is not."""
        ...


class Markers:
    """Looks markers up, each over a consumer of the marker's group: 60 ms, most of them to connect.

    Not over one AdminClient for all: its `list_consumer_group_offsets` ends the process (librdkafka's
    issue 5040) when the group has no coordinator yet, or has just got another.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        timeout: float,
        monotonic: Callable[[], float],
        open_consumer: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        """``timeout`` in seconds is for one lookup."""
        self._client = client
        self._timeout = timeout
        self._monotonic = monotonic
        self._open_consumer = open_consumer

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Whether the chunk's transaction was ever committed to the topic as it is now.

        Waits for a commit that is just being carried out. Unavailable as long as its transaction is open.
        """
        properties = {
            **self._client,
            "group.id": transaction_of(delivery),
            # Asks for an offset that no open transaction is about to change.
            "isolation.level": "read_committed",
        }
        topic, until = topic_of(delivery), self._monotonic() + self._timeout
        with closing(self._open_consumer(properties)) as consumer:
            while True:
                try:
                    return self._look_up(consumer, topic)
                except KafkaException as error:
                    if error.args[0].code() not in _PASSING or self._monotonic() > until:
                        raise meaning(error.args[0], topic) from error
                consumer.poll(_PAUSE)

    def _look_up(self, consumer: Any, topic: str) -> bool:
        (found,) = consumer.committed([TopicPartition(topic, _MARKER_PARTITION)], self._timeout)
        if found.error is not None:
            raise KafkaException(found.error)
        return bool(found.offset >= 0) and self._is_there(consumer, topic)

    def _is_there(self, consumer: Any, topic: str) -> bool:
        """A marker outlives its topic for a moment: the coordinator hears of the removal later."""
        error: KafkaError | None = consumer.list_topics(topic, self._timeout).topics[topic].error
        if error is not None and not is_missing(error):
            raise KafkaException(error)
        return error is None


class Transaction:
    """The transaction of one (chunk, destination), over a producer that carries its transactional id."""

    def __init__(self, producer: Producer, delivery: ChunkDelivery, *, timeout: float) -> None:
        """``timeout`` in seconds is for each step."""
        self._producer = producer
        self._delivery = delivery
        self._topic = topic_of(delivery)
        self._timeout = timeout

    def fence(self, pulse: Stoppable) -> None:
        """Shut out every earlier sender of this chunk, and abort what it left open."""
        for _ in range(max(1, round(self._timeout / _SLICE))):
            pulse.check()
            try:
                self._producer.init_transactions(_SLICE)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise meaning(error.args[0], self._topic) from error
                last = error
            else:
                return
        raise Unavailable("Kafka", detail=last.args[0].str()) from last

    def begin(self) -> None:
        with speaking_of(self._topic):
            self._producer.begin_transaction()

    @contextmanager
    def telling_why(self) -> Iterator[None]:
        """Raise the error that broke the transaction where librdkafka says only that its state is wrong."""
        try:
            yield
        except KafkaException as error:
            if error.args[0].code() in _BROKEN:
                self.mark()
            raise

    def mark(self) -> None:
        """Put the marker into the transaction; KafkaException as the client raises it."""
        marker = TopicPartition(self._topic, _MARKER_PARTITION, self._delivery.rows)
        # Never connects: it only puts the group's name into the form that the producer asks for.
        group = Consumer({"group.id": transaction_of(self._delivery)}).consumer_group_metadata()
        self._producer.send_offsets_to_transaction([marker], group, self._timeout)

    def commit(self) -> None:
        """Make rows and marker visible together.

        Unavailable when the outcome is unknown: the next try finds the marker, or sends again. An abort
        would be wrong then, since the commit may have been carried out.
        """
        try:
            self._producer.commit_transaction(self._timeout)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                self.abort()
            raise meaning(error.args[0], self._topic) from error

    def abort(self) -> str:
        """Take back what was sent; answers what went wrong with that, if anything did.

        No error: the next sender's fencing, or the transaction's timeout on the broker, aborts it as well.
        """
        try:
            self._producer.abort_transaction(self._timeout)
        except KafkaException as error:
            return str(error.args[0].str())
        return ""
