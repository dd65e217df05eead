"""Items from a thread while the last one is used: the same, in order, at most one ahead."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from shared.steps.ahead import one_ahead


def test_the_items_are_the_same_in_order() -> None:
    assert list(one_ahead(iter(range(1, 1000)))) == list(range(1, 1000))
    assert list(one_ahead(iter([]))) == []


def test_the_next_is_made_while_the_last_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[str]:
        yield "first"
        made.set()
        yield "second"

    ahead = one_ahead(items())
    assert next(ahead) == "first"
    assert made.wait(10)
    assert list(ahead) == ["second"]


def test_what_making_one_raises_comes_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionResetError("gone")

    ahead = one_ahead(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ConnectionResetError, match="gone"):
        next(ahead)


def test_nothing_is_made_once_the_caller_has_let_go() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1, 100):
            made.append(number)
            yield number

    ahead = one_ahead(items())
    next(ahead)
    ahead.close()
    assert len(made) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]


def test_items_are_made_in_the_callers_context() -> None:
    work: ContextVar[str] = ContextVar("work", default="none")
    work.set("chunk 7")
    assert list(one_ahead(work.get() for _ in range(2))) == ["chunk 7"] * 2
