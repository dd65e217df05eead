"""Alarms for operations with a time limit, all in one thread.

A `threading.Timer` per request would start a thread per request, which took a tenth of the processor time of
a whole delivery.
"""

import threading
import time
from collections.abc import Callable
from math import inf

Ring = Callable[[], None]


class Alarms:
    """Rings each alarm that is not cancelled in time, in a thread that starts with the first alarm."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[object, tuple[float, Ring]] = {}
        self._wakes_at = inf
        self._thread: threading.Thread | None = None

    def set(self, owner: object, seconds: float, ring: Ring) -> None:
        """Call ``ring`` after ``seconds``. An owner has one alarm at a time."""
        due = time.monotonic() + seconds
        with self._changed:
            self._due[owner] = due, ring
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="alarms", daemon=True)
                self._thread.start()
            if due < self._wakes_at:
                self._changed.notify()

    def cancel(self, owner: object) -> None:
        with self._changed:
            self._due.pop(owner, None)

    def _watch(self) -> None:
        while True:
            for ring in self._wait():
                ring()

    def _wait(self) -> list[Ring]:
        """Remove and return the alarms that are due. If there are none, wait for the next one first."""
        with self._changed:
            now = time.monotonic()
            late = [owner for owner, (due, _) in self._due.items() if due <= now]
            if not late:
                self._wakes_at = min((due for due, _ in self._due.values()), default=inf)
                self._changed.wait(None if self._wakes_at == inf else self._wakes_at - now)
            return [self._due.pop(owner)[1] for owner in late]
