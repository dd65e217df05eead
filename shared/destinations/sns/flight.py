"""Several requests on their way at once; batches of rows are done in their order."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Flight:
    """Runs requests in threads of its own, at most ``most`` at once.

    Leaving it waits for what is under way; nobody hears any more what becomes of that.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0
        self._flying: deque[Future[None] | Callable[[], None]] = deque()
        self._pool = ThreadPoolExecutor(most, "sns")
        self.begun = False
        self.given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.given_up = True
        self._pool.shutdown(cancel_futures=True)

    def send(self, request: Callable[[], None]) -> None:
        """Begin the request once there is room; raises what went wrong with an earlier one."""
        while self._under_way >= self._most:
            self._land_first()
        self.begun = True
        self._under_way += 1
        self._flying.append(self._pool.submit(request))

    def then(self, done: Callable[[], None]) -> None:
        """Have ``done`` called, in the thread that waits, once all requests before it are acknowledged."""
        self._flying.append(done)
        while callable(self._flying[0] if self._flying else None):
            self._land_first()

    def land(self) -> None:
        """Wait until all are acknowledged; raises what went wrong with the first that is not."""
        while self._flying:
            self._land_first()

    def _land_first(self) -> None:
        first = self._flying.popleft()
        if isinstance(first, Future):
            self._under_way -= 1
            first.result()
        else:
            first()
