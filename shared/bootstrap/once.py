"""Build a function's parts in the process that serves.

functions-framework imports the function in gunicorn's master and then forks: the clients' threads and
connections would not come along. Imports are done before the fork, the building at the first request.
"""

import gc
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Once(Generic[Part]):
    """Calls ``build`` once, whichever thread is first; all get the same part."""

    def __init__(self, build: Callable[[], Part]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: Part | None = None

    def __call__(self) -> Part:
        with self._lock:
            if self._built is None:
                gc.disable()  # a function may put imports off to here
                try:
                    self._built = self._build()
                finally:
                    gc.enable()
                # What is there now stays: some 200,000 objects, most of them the clients' code, which every
                # full collection would walk again while all requests wait, for 50 ms and more.
                gc.collect()
                gc.freeze()
            return self._built
