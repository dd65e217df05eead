"""Produce the next item while the previous one is used."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Generic, TypeVar

Item = TypeVar("Item")


class OneAhead(Iterator[Item], Generic[Item]):
    """Yields the items; a thread produces the next one while the caller uses the last.

    An exception from an item is raised in its turn. Production stops when the caller closes the iterator, or
    soon after the caller has dropped it.
    """

    # No finalizer waits for the thread. The garbage collector may run in any thread, also in one that holds
    # the lock which the production thread needs in order to end.

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._context = copy_context()  # the caller's context adds fields to log entries
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="one-ahead")
        self._coming: Future[Item | None] | None = None
        self._ended = False

    def __next__(self) -> Item:
        if self._ended:
            raise StopIteration
        coming = self._coming or self._produce()
        try:
            item = coming.result()
        except BaseException:
            self.close()
            raise
        if item is None:
            self.close()
            raise StopIteration
        self._coming = self._produce()
        return item

    def close(self) -> None:
        """Stop, and wait for an item that is being produced."""
        self._ended, self._coming = True, None
        self._thread.shutdown(cancel_futures=True)

    def _produce(self) -> Future[Item | None]:
        return self._thread.submit(self._context.run, _next_of, self._items)


def _next_of(items: Iterator[Item]) -> Item | None:
    return next(items, None)
