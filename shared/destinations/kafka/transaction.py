"""Exactly once: a chunk's rows and their marker in one Kafka transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from shared.destinations.kafka.errors import meaning, speaking_of
from shared.destinations.kafka.markers import MARKER_PARTITION
from shared.destinations.kafka.names import topic_of, transaction_of
from shared.destinations.kafka.producers import discard
from shared.destinations.patience import within
from shared.domain.errors import Unavailable
from shared.steps.sending import ChunkDelivery

_BROKEN = frozenset({KafkaError._STATE, KafkaError._FATAL})  # noqa: SLF001 - librdkafka's own error codes
MARKING = 15.0  # seconds; usually milliseconds, but longer if a coordinator has just moved
_SLICE = 1.0  # seconds in one blocking call, so that a cancel is noticed between two


class Stoppable(Protocol):
    """Tells a wait whether to continue. A Pulse is one."""

    def check(self) -> None:
        """Raise an error if the wait must stop."""
        ...


class Transaction:
    """The transaction of one (chunk, destination), with a producer that has its transactional id."""

    def __init__(
        self, producer: Producer, delivery: ChunkDelivery, *, timeout: float, marking: float = MARKING
    ) -> None:
        """``timeout``: seconds for each step; ``marking``: seconds to wait for the marker."""
        self._producer = producer
        self._delivery = delivery
        self._topic = topic_of(delivery)
        self._timeout = timeout
        self._marking = marking

    def fence(self, pulse: Stoppable) -> None:
        """Fence every earlier sender of this chunk, and abort its open transaction."""
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
        """Raise the error that broke the transaction, if any. The client keeps the messages of a broken one.

        As long as the transaction is sound, beginning it again has no effect but a distinct error.
        """
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            if error.args[0].code() not in _BROKEN:
                raise

    @contextmanager
    def telling_why(self) -> Iterator[None]:
        """Raise the error that broke the transaction if librdkafka reports only a wrong state."""
        try:
            yield
        except KafkaException as error:
            if error.args[0].code() in _BROKEN:
                self.mark()
            raise

    def mark(self) -> None:
        """Add the marker to the transaction. Raises the client's KafkaException.

        Raises Unavailable if the client does not return. If a connection breaks while the client looks for
        the group's coordinator, it can wait forever, whatever its timeout (librdkafka's issue 5456). The next
        delivery, with its own producer, fences this one.
        """
        marker = TopicPartition(self._topic, MARKER_PARTITION, self._delivery.rows)
        # This consumer never connects. It only converts the group's name to the form that the producer needs.
        group = Consumer({"group.id": transaction_of(self._delivery)}).consumer_group_metadata()

        def send() -> None:
            self._producer.send_offsets_to_transaction([marker], group, self._timeout)

        try:
            within(self._marking, send)
        except TimeoutError as error:
            raise Unavailable("Kafka", detail="the marker's coordinator does not answer") from error

    def commit(self) -> None:
        """Make rows and marker visible together.

        Raises Unavailable if the outcome is unknown. The next attempt finds the marker or sends again. An
        abort would be wrong in that case, because Kafka may have committed.
        """
        try:
            self._producer.commit_transaction(self._timeout)
        except KafkaException as error:
            if error.args[0].txn_requires_abort():
                self.abort()
            raise meaning(error.args[0], self._topic) from error

    def abort(self) -> str:
        """Abort the transaction. Return the description of an error, if any.

        A failed abort is no error, because the next sender's fencing or the broker's timeout also aborts it.
        The messages are dropped in any case.
        """
        try:
            self._producer.abort_transaction(self._timeout)
        except KafkaException as error:
            return str(error.args[0].str())
        finally:
            discard(self._producer)
        return ""
