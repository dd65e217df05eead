"""Controls of the server for tests: slow unloads, failing unloads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_snowflake.failures import Failure
    from local_snowflake.queries import Query


class Controls:
    """Both take effect after an unload has written files, so that a failed or cancelled one leaves some."""

    def __init__(self) -> None:
        self.unload_seconds = 0.0
        # The server's injected faults, by the names that the modules use.
        self.faults: frozenset[str] = frozenset()
        self._failures: list[Failure] = []
        self._lock = threading.Lock()

    def has(self, fault: str) -> bool:
        return fault in self.faults

    def fail_next(self, failure: Failure, times: int) -> None:
        """Make each of the next ``times`` unloads fail in this way."""
        with self._lock:
            self._failures += [failure] * times

    def hold(self, query: Query, seconds: float) -> None:
        """Keep an unload running for ``seconds``, or until it is cancelled."""
        query.canceled.wait(seconds)

    def fail(self) -> None:
        with self._lock:
            failure = self._failures.pop(0) if self._failures else None
        if failure:
            raise failure
