"""Exactly once: a chunk's rows and the marker that says so, in one Kafka transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from shared.destinations.kafka.errors import meaning, speaking_of
from shared.destinations.kafka.markers import MARKER_PARTITION
from shared.destinations.kafka.names import topic_of, transaction_of
from shared.destinations.patience import within
from shared.domain.errors import Unavailable
from shared.steps.sending import ChunkDelivery

_BROKEN = frozenset({KafkaError._STATE, KafkaError._FATAL})  # noqa: SLF001 - librdkafka's own error codes
MARKING = 15.0  # seconds; it takes milliseconds, and a moment more where a coordinator has just moved
_SLICE = 1.0  # seconds in one blocking call, so that a cancel is noticed between two


class Stoppable(Protocol):
    """What a wait asks whether it is to go on; a Pulse, above all."""

    def check(self) -> None:
        """Raises when it is not."""
        ...


class Transaction:
    """The transaction of one (chunk, destination), over a producer that carries its transactional id."""

    def __init__(
        self, producer: Producer, delivery: ChunkDelivery, *, timeout: float, marking: float = MARKING
    ) -> None:
        """``timeout`` in seconds is for each step, ``marking`` for how long the marker is waited for."""
        self._producer = producer
        self._delivery = delivery
        self._topic = topic_of(delivery)
        self._timeout = timeout
        self._marking = marking

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

    def require_sound(self) -> None:
        """Raise the error that broke the transaction, if any did: the client holds on to its messages then.

        Beginning it once more is an error of its own kind, and changes nothing, as long as it is sound.
        """
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            if error.args[0].code() not in _BROKEN:
                raise

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
        """Put the marker into the transaction; KafkaException as the client raises it.

        Unavailable if the client does not come back. Where a connection breaks while it looks for the
        group's coordinator, it can wait for ever, whatever its timeout (librdkafka's issue 5456). The next
        delivery, over a producer of its own, fences this one.
        """
        marker = TopicPartition(self._topic, MARKER_PARTITION, self._delivery.rows)
        # Never connects: it only puts the group's name into the form that the producer asks for.
        group = Consumer({"group.id": transaction_of(self._delivery)}).consumer_group_metadata()

        def send() -> None:
            self._producer.send_offsets_to_transaction([marker], group, self._timeout)

        try:
            within(self._marking, send)
        except TimeoutError as error:
            raise Unavailable("Kafka", detail="the marker's coordinator does not answer") from error

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
