"""Build a function's parts in the process that serves requests.

functions-framework imports the function in gunicorn's master process and then forks. The clients' threads and
connections would not survive the fork. Therefore imports happen before the fork, and building at the first
request.
"""

import gc
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Once(Generic[Part]):
    """Calls ``build`` once, in the first thread that needs it. All threads get the same part."""

    def __init__(self, build: Callable[[], Part]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: Part | None = None

    def __call__(self) -> Part:
        with self._lock:
            if self._built is None:
                gc.disable()  # a function may defer imports until here
                try:
                    self._built = self._build()
                finally:
                    gc.enable()
                # Exclude the present objects from collection: about 200,000, most of them the clients' code.
                # Every full collection would traverse them for 50 ms or more while all requests wait.
                gc.collect()
                gc.freeze()
            return self._built
