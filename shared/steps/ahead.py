"""Produce the next item while the previous one is used."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")


def one_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items; a thread produces the next one while the caller uses the last.

    An exception from an item is raised in its turn. Production stops when the caller closes the iterator.
    """
    context = copy_context()  # the caller's context adds fields to log entries

    def make() -> Item | None:
        return context.run(lambda: next(items, None))

    with ThreadPoolExecutor(1, thread_name_prefix="one-ahead") as thread:
        coming = thread.submit(make)
        while (item := coming.result()) is not None:
            coming = thread.submit(make)
            yield item
