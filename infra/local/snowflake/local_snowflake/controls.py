"""What tests may ask of the server: slow unloads, failing unloads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_snowflake.failures import Failure
    from local_snowflake.queries import Query


class Controls:
    """Both act once an unload's files are written, so that a failed or cancelled one leaves some behind."""

    def __init__(self) -> None:
        self.unload_seconds = 0.0
        # What the server gets wrong from now on, in the words of the modules that ask.
        self.faults: frozenset[str] = frozenset()
        self._failures: list[Failure] = []
        self._lock = threading.Lock()

    def has(self, fault: str) -> bool:
        return fault in self.faults

    def fail_next(self, failure: Failure, times: int) -> None:
        """Let each of the next ``times`` unloads fail so."""
        with self._lock:
            self._failures += [failure] * times

    def hold(self, query: Query, seconds: float) -> None:
        """Keep an unload running for so long, or until it is cancelled."""
        query.canceled.wait(seconds)

    def fail(self) -> None:
        with self._lock:
            failure = self._failures.pop(0) if self._failures else None
        if failure:
            raise failure
