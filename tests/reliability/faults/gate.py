"""Delays receivers' answers: a job whose path is closed stays in the middle of its delivery."""

import threading

from tests.reliability.chaos.inbox import Reply

_LIMIT = 20.0  # seconds, below the service's own request timeout
_ANSWER_PAUSE = 0.1  # makes a delivery long enough to be observed in the middle


class Gate:
    """The inbox's answers: at once, or when the path is open again."""

    def __init__(self) -> None:
        self._closed: set[str] = set()
        self._changed = threading.Condition()

    def __call__(self, path: str) -> Reply:
        with self._changed:
            self._changed.wait_for(lambda: path not in self._closed, _LIMIT)
        return Reply(pause=_ANSWER_PAUSE)

    def close(self, path: str) -> None:
        with self._changed:
            self._closed.add(path)

    def open(self, path: str) -> None:
        with self._changed:
            self._closed.discard(path)
            self._changed.notify_all()

    def open_all(self) -> None:
        with self._changed:
            self._closed.clear()
            self._changed.notify_all()
