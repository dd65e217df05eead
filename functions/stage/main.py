"""The staging function: Pub/Sub pushes stage and teardown messages to it, and the API requests estimates."""

import os
from typing import TYPE_CHECKING

from flask import Request
from flask.typing import ResponseReturnValue

from shared.bootstrap import cold_start, logs, push
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.config import read

if TYPE_CHECKING:
    from shared.bootstrap import estimates

_NEEDED = ("SNOWFLAKE_CONNECT", "SNOWFLAKE_STAGE", "STAGING_BUCKET", "KAFKA_CLIENT")
_settings = read(os.environ, _NEEDED, called_by_google=True)
logs.configure(_settings.project)
cold_start.over()


def _build() -> push.Push:
    # Snowflake's connector starts threads when it is imported, and a forked process crashes.
    from shared.bootstrap.stage import build  # noqa: PLC0415

    return push.build(_settings, "stage", build)


def _build_estimates() -> "estimates.Answers":
    from shared.bootstrap.estimates import build  # noqa: PLC0415 - as above

    return build(_settings)


_push = Once(_build)
_estimates = Once(_build_estimates)


@answers_everything
def handle(request: Request) -> ResponseReturnValue:
    """Answer one push, or one request of the API."""
    if request.path == "/estimate":
        return _estimates().answer(request)
    return _push().answer(request)
