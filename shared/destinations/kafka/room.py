"""The size limit of a topic: its ``max.message.bytes``, read from the broker and cached for a while.

The setting limits a batch after compression, and librdkafka does not split a refused batch. Therefore batches
are built to fit by their size before compression.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from shared.destinations.kafka.errors import BatchRefused
from shared.domain.oversized import SizeLimit
from shared.steps.sending import Pulse

_REMEMBERED = 60.0  # seconds
_CALL = 0.5  # seconds in one blocking call, so that a cancel is noticed between two
_ASKED_FOR = 5.0  # seconds; the producer has its own time limit for an unavailable broker
_SMALLEST = 256  # bytes of a batch, below which no topic is of use
_SHRINKING = 4


@dataclass(frozen=True, slots=True)
class Room:
    """``most`` is the topic's `max.message.bytes`; None if it cannot be read. ``batch``: the bytes of a
    batch; a larger message goes into a separate batch.
    """

    most: int | None
    batch: int

    @property
    def surely(self) -> int:
        """The size before compression that the topic certainly accepts, in bytes."""
        return self.batch if self.most is None else self.most

    def limit(self, topic: str) -> SizeLimit:
        """Return the limit that the error for a refused row names."""
        return SizeLimit(
            self.most, f"Kafka topic {topic} (its max.message.bytes)", "Raise that setting of the topic"
        )


class Rooms:
    """The room of each topic. Without DescribeConfigs, which reading it requires, refusals show the limit."""

    def __init__(
        self,
        client: Mapping[str, Any],
        *,
        batch: int,
        timeout: float,
        monotonic: Callable[[], float],
        open_admin: Callable[[dict[str, Any]], Any] = AdminClient,
    ) -> None:
        """``batch``: bytes of a batch unless the topic requires smaller ones; ``timeout`` in seconds."""
        self._client = client
        self._batch = batch
        self._timeout = min(timeout, _ASKED_FOR)
        self._monotonic = monotonic
        self._open_admin = open_admin
        self._admin: Any = None
        self._known: dict[str, tuple[Room, float]] = {}
        self._lock = threading.Lock()

    def of(self, topic: str, pulse: Pulse) -> Room:
        """Return the topic's room, at most one minute old."""
        now = self._monotonic()
        with self._lock:
            room, until = self._known.get(topic, (None, now))
        if room is not None and now < until:
            return room
        return self._remember(topic, self._asked(topic, pulse))

    def now(self, topic: str, pulse: Pulse) -> Room:
        """Return the topic's current room, for the error of a row that is too large."""
        return self._remember(topic, self._asked(topic, pulse))

    def after_refusal(self, topic: str, refused: Room, pulse: Pulse) -> Room:
        """Return a smaller room than the refused one; BatchRefused if none is smaller."""
        room = self._asked(topic, pulse)
        if room.batch >= refused.batch:
            # The limit cannot be read, or not every broker has heard of a change yet.
            room = Room(None, refused.batch // _SHRINKING)
        if room.batch < _SMALLEST:
            raise BatchRefused(topic, "even the smallest batch was refused")
        return self._remember(topic, room)

    def _remember(self, topic: str, room: Room) -> Room:
        now = self._monotonic()
        with self._lock:
            self._known = {name: known for name, known in self._known.items() if known[1] > now}
            self._known[topic] = room, now + _REMEMBERED
        return room

    def _asked(self, topic: str, pulse: Pulse) -> Room:
        most = self._most(topic, pulse)
        # librdkafka takes no batches of 0 bytes.
        return Room(most, self._batch if most is None else max(1, min(self._batch, most)))

    def _most(self, topic: str, pulse: Pulse) -> int | None:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        asked = self._administrator().describe_configs([resource], request_timeout=self._timeout)[resource]
        until = self._monotonic() + self._timeout
        while self._monotonic() < until:
            pulse.check()
            try:
                found = asked.result(_CALL)
            except TimeoutError:
                continue
            except KafkaException:
                return None
            return _number(found.get("max.message.bytes"))
        return None

    def _administrator(self) -> Any:
        """Return the one client for all topics. It stays connected, so another query takes 3 ms."""
        with self._lock:
            if self._admin is None:
                self._admin = self._open_admin({**self._client, "allow.auto.create.topics": False})
            return self._admin


def _number(entry: Any) -> int | None:
    """Return a setting's value; None if the broker left it out, or if it is no number."""
    try:
        return int(entry.value)
    except (AttributeError, TypeError, ValueError):
        return None
