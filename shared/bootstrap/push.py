"""Answer Pub/Sub's pushes: acknowledge every message that needs no retry, and let Pub/Sub redeliver the
rest.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from flask import Request

from shared.adapters.pubsub import Pushed, read_push
from shared.bootstrap.callers import callers
from shared.bootstrap.logs import log, report, working_on
from shared.bootstrap.traces import tracer
from shared.config import Settings
from shared.domain.errors import BackfillError, CallerUnknown, Disposition, RetryLater
from shared.domain.events import MessageRetried
from shared.domain.traces import Tracer

Answer = tuple[str, int]
Run = Callable[[Pushed], None]

# Pub/Sub redelivers after every unsuccessful status, so a permanent error must also answer with success.
DONE: Answer = ("", 204)
AGAIN: Answer = ("", 503)
REFUSED: Answer = ("", 403)


class Callers(Protocol):
    """The accepted callers."""

    def require(self, authorization: str | None, serverless_authorization: str | None) -> None:
        """Raise CallerUnknown for any other caller; Unavailable while that cannot be verified."""
        ...


@dataclass(frozen=True, slots=True)
class Push:
    """A function's answers to Google's calls; ``run`` handles a message."""

    function: str
    callers: Callers
    tracer: Tracer
    run: Run

    def answer(self, request: Request) -> Answer:
        """Handle the request. Return the HTTP body and status."""
        return refusal(self.callers, request) or self._handle(request.get_data())

    def _handle(self, body: bytes) -> Answer:
        try:
            pushed = read_push(body)
        except BackfillError as error:
            _log(error)
            return DONE
        message = pushed.message
        fields = {"kind": message.kind, **asdict(message), "tried": pushed.tried}
        with (
            working_on(fields | {"message_id": pushed.message_id}),
            self.tracer.span(f"{self.function} {message.kind}", pushed.trace, fields),
        ):
            answer = self._run(pushed)
            if answer == AGAIN:
                report(MessageRetried(function=self.function, kind=message.kind, tried=pushed.tried))
            return answer

    def _run(self, pushed: Pushed) -> Answer:
        try:
            self.run(pushed)
        except BackfillError as error:
            _log(error)
            return AGAIN if error.disposition is Disposition.RETRY else DONE
        except Exception as error:  # noqa: BLE001 - a fault of ours: logged, and dead-lettered if it persists
            log(logging.ERROR, "the message could not be handled", {}, error=error)
            return AGAIN
        log(logging.INFO, "the message was handled", {})
        return DONE


def build(settings: Settings, function: str, run: Callable[[Settings], Run]) -> Push:
    """Wire a function's answers around the handler of its messages."""
    return Push(function, callers(settings), tracer(settings, function), run(settings))


def refusal(callers: Callers, request: Request) -> Answer | None:
    """Return the answer to a caller that is not accepted, or None if the caller is accepted."""
    headers = request.headers
    try:
        callers.require(headers.get("Authorization"), headers.get("X-Serverless-Authorization"))
    except CallerUnknown as error:
        log(logging.WARNING, error.message, {"detail": error.detail})
        return REFUSED
    except RetryLater as error:
        log(logging.WARNING, error.message, {"detail": error.detail})
        return AGAIN
    return None


def _log(error: BackfillError) -> None:
    levels = {Disposition.RETRY: logging.WARNING, Disposition.TERMINAL: logging.ERROR}
    fields: dict[str, Any] = {"error": type(error).__name__, "detail": error.detail}
    log(levels.get(error.disposition, logging.INFO), error.message, fields)
