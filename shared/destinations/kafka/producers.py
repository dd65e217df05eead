"""Idempotent producers that are kept between chunks.

A new one sends nothing for half a second: it asks the broker for its producer id before it is connected, and
asks again 500 ms later.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Producer

# A connection that is idle for longer may be gone without a word.
_IDLE_SECONDS = 60.0


class Producers:
    """Each producer is used by one delivery at a time. Safe for several threads.

    ``properties``: a producer's; those that a delivery asks for besides choose among what is kept.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        *,
        monotonic: Callable[[], float],
        make: Callable[[dict[str, Any]], Producer] = Producer,
    ) -> None:
        self._properties = properties
        self._monotonic = monotonic
        self._make = make
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Mapping[str, Any], Producer]] = []

    @contextmanager
    def one(self, **asked: Any) -> Iterator[Producer]:
        """A producer with the properties ``asked``, dots written as underscores; kept if it did its work.

        After an error nothing of it is sent on, and it is not used again.
        """
        wanted = {name.replace("_", "."): value for name, value in asked.items()}
        producer = self._kept(wanted) or self._make({**self._properties, **wanted})
        try:
            yield producer
        except BaseException:
            # What is still queued would else be sent on while the producer is being destroyed.
            producer.purge()
            raise
        with self._lock:
            self._idle.append((self._monotonic(), wanted, producer))

    def _kept(self, wanted: Mapping[str, Any]) -> Producer | None:
        with self._lock:
            oldest = self._monotonic() - _IDLE_SECONDS
            self._idle = [kept for kept in self._idle if kept[0] >= oldest]
            for place in reversed(range(len(self._idle))):
                if self._idle[place][1] == wanted:
                    return self._idle.pop(place)[2]
            return None
