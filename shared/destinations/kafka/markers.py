"""The marker in Kafka itself that records the commit of a chunk's transaction.

The marker is the offset of a consumer group without members, on the chunk's own topic. The lookup handles the
one case that transactions leave open: a crash after Kafka's commit and before ours. The broker keeps a marker
as long as the offsets of an empty group (`offsets.retention.minutes`, 7 days by default). The marker
disappears with its topic, as the rows do.
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
        # The broker has just started, or the group has just moved.
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError._TIMED_OUT,  # noqa: SLF001 - the public name of librdkafka's own error codes
    }
)
_PAUSE = 0.05  # seconds between two lookups
_CALL = 5.0  # seconds for one lookup


class Markers:
    """Looks up each marker with a consumer of the marker's group. This takes 60 ms, most of it to connect.

    One AdminClient for all markers is no alternative: its `list_consumer_group_offsets` crashes the process
    (librdkafka's issue 5040) if the group has no coordinator yet, or has just changed it.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        timeout: float,
        monotonic: Callable[[], float],
        open_consumer: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        """``timeout``: seconds for one lookup."""
        self._client = client
        self._timeout = timeout
        self._monotonic = monotonic
        self._open_consumer = open_consumer

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Return whether the chunk's transaction was ever committed to the current topic.

        Waits for a commit in progress. Raises Unavailable while its transaction is open.
        """
        with self.of(delivery) as marker:
            return marker.committed()

    @contextmanager
    def of(self, delivery: ChunkDelivery) -> Iterator["Marker"]:
        """Return a chunk's marker, with a consumer that begins to connect now. The lookup may come later."""
        properties = {
            **self._client,
            "group.id": transaction_of(delivery),
            # Request a stable offset, which no open transaction can change.
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
        """Look up the marker as ``Markers.committed`` does."""
        until = self._monotonic() + self._timeout
        while True:
            try:
                return self._look_up()
            except KafkaException as error:
                self._require_right()
                if error.args[0].code() not in _PASSING or self._monotonic() > until:
                    raise meaning(error.args[0], self._topic) from error

    def _require_right(self) -> None:
        """Raise DestinationRefused if we may not read the group. The lookup itself would only time out."""
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
        """Return whether the topic exists. A marker briefly outlives it: the coordinator hears of it
        later.
        """
        described = self._consumer.list_topics(self._topic, self._timeout)
        error: KafkaError | None = described.topics[self._topic].error
        if error is not None and not is_missing(error):
            raise KafkaException(error)
        return error is None
