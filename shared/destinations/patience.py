"""Calls of a library that may never come back."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


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
