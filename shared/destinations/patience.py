"""Calls of a library that may never come back."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], None]) -> None:
    """Raise what the call raises; TimeoutError if it does not come back in time.

    Its thread is left behind then, with all that the call holds, until it does come back.
    """
    begun(call).result(seconds)


def begun(call: Callable[[], Answer]) -> "Future[Answer]":
    """What the call answers or raises, in a thread that nothing has to wait for."""
    ended: Future[Answer] = Future()
    ended.set_running_or_notify_cancel()  # who is not interested any more can't keep the thread from ending

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
            ended.set_exception(error)
        else:
            ended.set_result(answer)

    # No pool's: those are waited for when the process ends.
    Thread(target=run, name="within", daemon=True).start()
    return ended
