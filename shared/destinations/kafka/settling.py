"""What Kafka has of a chunk that nobody will send any more: the job has ended, and its sender may be dead."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Producer

from shared.destinations.kafka.markers import Markers
from shared.destinations.kafka.names import transaction_of
from shared.destinations.kafka.transaction import Transaction
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.sending import ChunkDelivery


class SettledMarkers:
    """Fulfils Markers, once the chunk's last sender is shut out and what it left open is aborted.

    Until its timeout, minutes later, an open transaction would hold back every reader of the topic, and
    the marker's lookup with them. No later delivery of the chunk comes to fence it.
    """

    def __init__(self, client: Mapping[str, Any], *, timeout: float, monotonic: Callable[[], float]) -> None:
        """``client``: librdkafka's properties; ``timeout`` in seconds is for fencing and lookup each."""
        self._client = client
        self._timeout = timeout
        self._markers = Markers(client, timeout=timeout, monotonic=monotonic)

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Whether the chunk's transaction was ever committed to the topic as it is now, or ever can be."""
        properties = {
            **self._client,
            "transactional.id": transaction_of(delivery),
            "allow.auto.create.topics": False,
        }
        Transaction(Producer(properties), delivery, timeout=self._timeout).fence(Unwatched())
        return self._markers.committed(delivery)


class Unwatched:
    """Fulfils Pulse for an ended job's teardown, which nobody could stop."""

    def check(self) -> None: ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None: ...

    def seconds_left(self) -> float:
        return math.inf
