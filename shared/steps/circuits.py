"""Circuit breakers: a delivery does not wait for a destination that has just failed several times.

A sink retries an unavailable destination for some seconds. If every delivery did so, the handlers would spend
their time on one dead destination, and the job's other destinations would wait.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_FAILURES: Final = 3  # in a row, after which a circuit opens
_OPEN: Final = 5.0  # seconds
_FORGET: Final = 600.0  # seconds after the last failure

Key = tuple[str, str]
"""A job's id and a destination's uid."""


@dataclass(slots=True)
class _Circuit:
    """``until``: the time from which a delivery may try the destination again."""

    failures: int
    until: float


class Circuits:
    """The circuits of one process. Other processes find out for themselves.

    A circuit opens after three failed deliveries in a row. For five seconds nothing is sent to its
    destination; then one delivery tries it, while the others still wait. A successful delivery closes the
    circuit.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._circuits: dict[Key, _Circuit] = {}
        self._lock = threading.Lock()

    def suspect(self, key: Key) -> bool:
        """Return whether the latest delivery to the destination failed."""
        return key in self._circuits

    def admits(self, key: Key) -> bool:
        """Return whether a delivery may try the destination now. The caller must report its outcome."""
        with self._lock:
            circuit = self._circuits.get(key)
            if circuit is None or circuit.failures < _FAILURES:
                return True
            now = self._monotonic()
            if now < circuit.until:
                return False
            circuit.until = now + _OPEN
            return True

    def failed(self, key: Key) -> bool:
        """Return whether the circuit is open now."""
        now = self._monotonic()
        with self._lock:
            earlier = self._circuits.get(key)
            failures = (earlier.failures if earlier else 0) + 1
            self._circuits[key] = _Circuit(failures, now + _OPEN)
            # Jobs end without a word to this process.
            for each in [one for one, circuit in self._circuits.items() if circuit.until + _FORGET < now]:
                del self._circuits[each]
        return failures >= _FAILURES

    def succeeded(self, key: Key) -> None:
        with self._lock:
            self._circuits.pop(key, None)
