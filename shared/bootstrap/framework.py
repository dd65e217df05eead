"""Make a function answer every request itself, instead of the framework that it runs in.

Two layers between a client and the function would otherwise answer in HTML. Flask's routes do not match a
path with a line break, and functions-framework makes Flask refuse ``/favicon.ico`` and ``/robots.txt``.
Gunicorn refuses input that is not HTTP before it calls any application.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import gunicorn.util
from flask import Request, current_app, has_app_context, request
from flask.typing import ResponseReturnValue

Answer = TypeVar("Answer", bound=ResponseReturnValue)
_ROUTED = "run"  # functions-framework's name for what it routes to the function
_SERVER_ERROR = 500


def answers_everything(handle: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """Decorate the function's handler. The decorator returns it unchanged.

    functions-framework loads the function within its application's context. Without that context, as in a
    test that calls the handler, nothing could answer before the handler.
    """
    if has_app_context():

        def answer() -> Answer | None:
            # A routed request takes the framework's usual path, which adds the execution's id to logs.
            return None if request.endpoint == _ROUTED else handle(request)

        current_app.before_request(answer)
        # functions-framework offers no way to set gunicorn's worker class, whose method this would be. The
        # workers are forked later, so they use this replacement.
        gunicorn.util.write_error = _write_error
    return handle


def _write_error(connection: Any, status: int, reason: str, message: str) -> None:
    """Refuse input that gunicorn cannot parse. It has the signature of gunicorn's function of this name."""
    # The text of an internal error is only for the log.
    detail = "Internal error" if status == _SERVER_ERROR else message or reason
    body = json.dumps({"detail": detail})
    lines = (
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        "Cache-Control: no-store",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    gunicorn.util.write_nonblock(connection, "\r\n".join(lines).encode())
