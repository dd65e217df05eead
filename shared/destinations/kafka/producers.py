"""Idempotent producers that are reused between chunks.

A new producer sends nothing for half a second: it requests its producer id before it is connected, and
retries 500 ms later.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import KafkaException, Producer

# A connection that is idle for longer may have been closed without notice.
_IDLE_SECONDS = 60.0
_REPORTS_SECONDS = 5.0  # the purged messages' reports are there at once
_FLUSHES = 3


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
            discard(producer)
            raise
        with self._lock:
            self._idle.append((self._monotonic(), wanted, producer))

    def _kept(self, wanted: Mapping[str, Any]) -> Producer | None:
        with self._lock:
            oldest = self._monotonic() - _IDLE_SECONDS
            expired = [kept for kept in self._idle if kept[0] < oldest]
            self._idle = self._idle[len(expired) :]
            places = [place for place, kept in enumerate(self._idle) if kept[1] == wanted]
            found = self._idle.pop(places[-1])[2] if places else None
        # The end of a client waits for its threads, which may look up a broker's name for many seconds. Other
        # deliveries must not wait with it.
        expired.clear()
        return found


def discard(producer: Producer) -> None:
    """Drop the messages of a producer that is not used any more. Raises no error of the client."""
    # Otherwise the producer would send its queued messages while it is being destroyed.
    producer.purge()
    # The client library keeps its record of a message, and the message's callback, until it serves the
    # message's report. The producer's end does not free them.
    for _ in range(_FLUSHES):
        # A flush also raises a fatal error, such as fencing, and ends there. If a callback runs while the
        # error is pending, it becomes a SystemError.
        with suppress(KafkaException, SystemError):
            producer.flush(_REPORTS_SECONDS)
            return
