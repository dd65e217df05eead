"""Finds out whether Kafka has a chunk of an ended or paused job, whose last sender may have crashed."""

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
    """Implements Markers. Before the lookup it fences the chunk's last sender and aborts its open
    transaction.

    Otherwise an open transaction would block all readers of the topic and the marker's lookup until its
    timeout, minutes later. No later delivery of the chunk would fence it.
    """

    def __init__(self, client: Mapping[str, Any], *, timeout: float, monotonic: Callable[[], float]) -> None:
        """``client``: librdkafka's properties; ``timeout``: seconds each for the fencing and the lookup."""
        self._client = client
        self._timeout = timeout
        self._markers = Markers(client, timeout=timeout, monotonic=monotonic)

    def committed(self, delivery: ChunkDelivery) -> bool:
        """Return whether the chunk's transaction was committed to the current topic. It cannot be any
        more.
        """
        properties = {
            **self._client,
            "transactional.id": transaction_of(delivery),
            "allow.auto.create.topics": False,
        }
        Transaction(Producer(properties), delivery, timeout=self._timeout).fence(Unwatched())
        return self._markers.committed(delivery)


class Unwatched:
    """Implements Pulse for a teardown, which nothing can stop."""

    def check(self) -> None: ...

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None: ...

    def seconds_left(self) -> float:
        return math.inf
