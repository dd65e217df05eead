"""Several batches on their way at once, acknowledged in their order."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from shared.steps.sending import EncodedBatch

Post = Callable[[int, EncodedBatch], None]


class Flight:
    """Posts batches in threads of its own; a batch counts once it and all before it are acknowledged.

    So what was acknowledged is always told by the number of the next batch, whatever order the receiver
    answered in. Leaving it waits for what is under way; nobody hears any more what becomes of that.
    """

    def __init__(self, most: int, first_batch: int, post: Post, acknowledged: Callable[[], None]) -> None:
        """``post`` has the receiver accept a batch by its number, or raises; ``acknowledged`` is called for
        one batch after the other, in the thread that waits.
        """
        self._most = most
        self._next = first_batch
        self._post = post
        self._acknowledged = acknowledged
        self._flying: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(most, "webhook")
        self.begun = False
        self.given_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.given_up = True
        self._pool.shutdown(cancel_futures=True)

    def make_room(self) -> None:
        """Wait until another batch may be sent; raises what went wrong with an earlier one."""
        while len(self._flying) >= self._most:
            self._land_first()

    def send(self, batch: EncodedBatch) -> None:
        self.begun = True
        self._flying.append(self._pool.submit(self._post, self._next, batch))
        self._next += 1

    def land(self) -> None:
        """Wait until all are acknowledged; raises what went wrong with the first that is not."""
        while self._flying:
            self._land_first()

    def _land_first(self) -> None:
        self._flying.popleft().result()
        self._acknowledged()
