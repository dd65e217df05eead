"""Calls of a library that may never come back."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")
_LOOK = 0.5  # seconds between two looks at whether to go on


def within(seconds: float, call: Callable[[], None]) -> None:
    """Raise what the call raises; TimeoutError if it does not come back in time.

    Its thread is left behind then, with all that the call holds, until it does come back.
    """
    ended: Future[None] = Future()

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
            ended.set_exception(error)
        else:
            ended.set_result(None)

    # No pool's: those are waited for when the process ends.
    Thread(target=run, name="within", daemon=True).start()
    ended.result(seconds)


def while_wanted(call: Callable[[], Answer], check: Callable[[], None]) -> Answer:
    """Answer what the call answers, or raise what it raises; what ``check`` raises ends the wait at once.

    The call's thread is left behind then, with all that it holds, until it does come back.
    """
    ended: Future[Answer] = Future()

    def run() -> None:
        try:
            ended.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
            ended.set_exception(error)

    Thread(target=run, name="while-wanted", daemon=True).start()
    while True:
        try:
            return ended.result(_LOOK)
        except TimeoutError:
            if ended.done():
                return ended.result()
            check()
