"""Items from a thread while the last one is used: the same, in order, at most one ahead."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from shared.steps.ahead import OneAhead


def test_the_items_are_the_same_in_order() -> None:
    assert list(OneAhead(iter(range(1, 1000)))) == list(range(1, 1000))
    assert list(OneAhead(iter([]))) == []


def test_the_next_is_made_while_the_last_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[str]:
        yield "first"
        made.set()
        yield "second"

    ahead = OneAhead(items())
    assert next(ahead) == "first"
    assert made.wait(10)
    assert list(ahead) == ["second"]


def test_what_making_one_raises_comes_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionResetError("gone")

    ahead = OneAhead(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ConnectionResetError, match="gone"):
        next(ahead)


def test_nothing_is_made_once_the_caller_has_let_go() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1, 100):
            made.append(number)
            yield number

    ahead = OneAhead(items())
    next(ahead)
    ahead.close()
    assert len(made) <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]


def test_nothing_comes_after_the_end() -> None:
    ahead = OneAhead(iter([1]))
    assert [*ahead, *ahead] == [1]
    ahead = OneAhead(iter([1, 2]))
    assert next(ahead) == 1
    ahead.close()
    assert list(ahead) == []


def test_dropping_it_waits_for_nothing() -> None:
    """The garbage collector drops it in any thread, also in one that the production waits for."""
    may_end = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        may_end.wait(60)
        yield 2

    held = [OneAhead(items())]
    next(held[0])
    dropping = threading.Thread(target=held.clear, daemon=True)
    dropping.start()
    dropping.join(10)
    assert not dropping.is_alive()
    (production,) = [thread for thread in threading.enumerate() if thread.name.startswith("one-ahead")]
    may_end.set()
    production.join(10)
    assert not production.is_alive()


def test_items_are_made_in_the_callers_context() -> None:
    work: ContextVar[str] = ContextVar("work", default="none")
    work.set("chunk 7")
    assert list(OneAhead(work.get() for _ in range(2))) == ["chunk 7"] * 2
