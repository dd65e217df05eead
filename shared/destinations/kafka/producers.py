"""Idempotent producers that are reused between chunks.

A new producer sends nothing for half a second: it requests its producer id before it is connected, and
retries 500 ms later.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Producer

# A connection that is idle for longer may have been closed without notice.
_IDLE_SECONDS = 60.0


class Producers:
    """A pool of producers. One delivery at a time uses each producer. Safe for several threads.

    ``properties``: a producer's properties. Additional properties of a delivery select among the kept
    producers.
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
        """Yield a producer with the properties ``asked``, with underscores for dots. Keep it after success.

        After an error, discard it together with its queued messages.
        """
        wanted = {name.replace("_", "."): value for name, value in asked.items()}
        producer = self._kept(wanted) or self._make({**self._properties, **wanted})
        try:
            yield producer
        except BaseException:
            # Otherwise the producer would send its queued messages while it is being destroyed.
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
