"""Library calls that may never return."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, call: Callable[[], None]) -> None:
    """Raise what the call raises; TimeoutError if it does not return in time.

    After a timeout, the call's thread stays behind with all its resources until the call returns.
    """
    begun(call).result(seconds)


def begun(call: Callable[[], Answer]) -> "Future[Answer]":
    """Run the call in a thread that nothing has to wait for. The future holds its result or its error."""
    ended: Future[Answer] = Future()
    ended.set_running_or_notify_cancel()  # a running future cannot be cancelled, so the thread can always end

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - the future raises it for the caller
            ended.set_exception(error)
        else:
            ended.set_result(answer)

    # Not a pool's thread: at its end, the process waits for those.
    Thread(target=run, name="within", daemon=True).start()
    return ended
