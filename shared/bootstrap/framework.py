"""Have a function answer every request itself, and none by the framework it runs in.

Between a client and the function stand two that would answer for it, both in HTML: Flask, whose routes know
no path with a line break and which functions-framework tells to refuse ``/favicon.ico`` and ``/robots.txt``;
and gunicorn, which refuses what is no HTTP before any application is asked.
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
    """Decorate the function's handler, which is answered as it is.

    functions-framework loads the function in its application's context; outside of one, as in a test that
    calls the handler, there is nothing that could answer before it.
    """
    if has_app_context():

        def answer() -> Answer | None:
            # What is routed takes the framework's own way, which labels logs by the execution's id.
            return None if request.endpoint == _ROUTED else handle(request)

        current_app.before_request(answer)
        # functions-framework lets nobody name gunicorn's class of workers, whose method this would be. The
        # workers are forked later, and so have it.
        gunicorn.util.write_error = _write_error
    return handle


def _write_error(connection: Any, status: int, reason: str, message: str) -> None:
    """Refuse what gunicorn can't read; takes what its function of this name takes."""
    # What the server says of itself is for its log alone.
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
