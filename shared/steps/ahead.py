"""Making the next thing while the last one is being used."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")


def one_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items, of which a thread makes the next while the caller is busy with the last.

    What making one raises is raised in its turn. Nothing is made any more when the caller has let go.
    """
    context = copy_context()  # what the log adds to entries is the caller's

    def make() -> Item | None:
        return context.run(lambda: next(items, None))

    with ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as thread:
        coming = thread.submit(make)
        while (item := coming.result()) is not None:
            coming = thread.submit(make)
            yield item
