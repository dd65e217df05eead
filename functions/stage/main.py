"""The staging function: Pub/Sub pushes stage and teardown messages to it."""

import os

from flask import Request

from shared.bootstrap import logs, push
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.config import read

_NEEDED = ("SNOWFLAKE_CONNECT", "SNOWFLAKE_STAGE", "STAGING_BUCKET", "KAFKA_CLIENT")
_settings = read(os.environ, _NEEDED, called_by_google=True)
logs.configure(_settings.project)


def _build() -> push.Push:
    # Snowflake's connector starts threads when it is imported, and a fork of it crashes.
    from shared.bootstrap.stage import build  # noqa: PLC0415

    return push.build(_settings, "stage", build)


_push = Once(_build)


@answers_everything
def handle(request: Request) -> push.Answer:
    """Answer one push."""
    return _push().answer(request)
