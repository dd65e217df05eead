"""Answer Pub/Sub's pushes: what is done with, in whatever way, is acknowledged; the rest comes again."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from shared.adapters.pubsub import Pushed, read_push
from shared.bootstrap.logs import log
from shared.errors import BackfillError, Disposition

Answer = tuple[str, int]
Run = Callable[[Pushed], None]

# Pub/Sub redelivers on every status but the successful ones: what can never succeed must not say so.
DONE: Answer = ("", 204)
AGAIN: Answer = ("", 503)


def answer_push(body: bytes, run: Run) -> Answer:
    """Run the message in the push envelope ``body``; answers the HTTP body and status."""
    fields: dict[str, Any] = {}
    try:
        pushed = read_push(body)
        fields = {"kind": pushed.message.kind, **asdict(pushed.message), "message_id": pushed.message_id}
        run(pushed)
    except BackfillError as error:
        retry = error.disposition is Disposition.RETRY
        level = logging.ERROR if error.disposition is Disposition.TERMINAL else logging.INFO
        fields |= {"error": type(error).__name__, "detail": error.detail}
        log(logging.WARNING if retry else level, error.message, fields)
        return AGAIN if retry else DONE
    except Exception as error:  # noqa: BLE001 - a fault of ours: it is logged, and dead-lettered if it stays
        log(logging.ERROR, "the message could not be handled", fields, error=error)
        return AGAIN
    log(logging.INFO, "the message is handled", fields)
    return DONE
