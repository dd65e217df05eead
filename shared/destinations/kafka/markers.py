"""The marker that says, in Kafka itself, that a chunk's transaction was committed.

It is the offset of a group that nobody joins, on the chunk's own topic. Looking it up closes the one hole
that transactions leave: a crash after Kafka's commit and before ours. It lives as long as the broker keeps
the offsets of an empty group (`offsets.retention.minutes`, 7 days by default), and goes with its topic, as
do the rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared.destinations.kafka.errors import is_missing, meaning
from shared.destinations.kafka.names import topic_of, transaction_of
from shared.steps.sending import ChunkDelivery

MARKER_PARTITION = 0
_PASSING = frozenset(
    {
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        # A young broker, or a group that has just moved.
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError._TIMED_OUT,  # noqa: SLF001 - the public name of librdkafka's own error codes
    }
)
_PAUSE = 0.05  # seconds between two looks
_CALL = 5.0  # seconds in one of them


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
        with self.of(delivery) as marker:
            return marker.committed()

    @contextmanager
    def of(self, delivery: ChunkDelivery) -> Iterator["Marker"]:
        """A chunk's marker, over a consumer that connects from now on, whenever it is asked."""
        properties = {
            **self._client,
            "group.id": transaction_of(delivery),
            # Asks for an offset that no open transaction is about to change.
            "isolation.level": "read_committed",
        }
        with closing(self._open_consumer(properties)) as consumer:
            yield Marker(consumer, topic_of(delivery), timeout=self._timeout, monotonic=self._monotonic)


class Marker:
    """The marker of one chunk at one destination."""

    def __init__(self, consumer: Any, topic: str, *, timeout: float, monotonic: Callable[[], float]) -> None:
        self._consumer = consumer
        self._topic = topic
        self._timeout = timeout
        self._monotonic = monotonic

    def committed(self) -> bool:
        """As ``Markers.committed``."""
        until = self._monotonic() + self._timeout
        while True:
            try:
                return self._look_up()
            except KafkaException as error:
                self._require_right()
                if error.args[0].code() not in _PASSING or self._monotonic() > until:
                    raise meaning(error.args[0], self._topic) from error

    def _require_right(self) -> None:
        """DestinationRefused where the group is not ours to ask about: the question itself only times out."""
        told = self._consumer.poll(_PAUSE)
        if told is not None and told.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            raise meaning(told.error(), self._topic)

    def _look_up(self) -> bool:
        asked = TopicPartition(self._topic, MARKER_PARTITION)
        (found,) = self._consumer.committed([asked], min(_CALL, self._timeout))
        if found.error is not None:
            raise KafkaException(found.error)
        return bool(found.offset >= 0) and self._topic_is_there()

    def _topic_is_there(self) -> bool:
        """A marker outlives its topic for a moment: the coordinator hears of the removal later."""
        described = self._consumer.list_topics(self._topic, self._timeout)
        error: KafkaError | None = described.topics[self._topic].error
        if error is not None and not is_missing(error):
            raise KafkaException(error)
        return error is None
