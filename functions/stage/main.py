"""The staging function: Pub/Sub pushes stage and teardown messages to it."""

import os

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.once import Once
from shared.bootstrap.push import Answer, Run, answer_push
from shared.config import read

logs.configure()
_settings = read(os.environ, ("SNOWFLAKE_CONNECT", "SNOWFLAKE_STAGE", "STAGING_BUCKET", "KAFKA_CLIENT"))


def _build() -> Run:
    # Snowflake's connector starts threads when it is imported, and a fork of it crashes.
    from shared.bootstrap.stage import build  # noqa: PLC0415

    return build(_settings)


_run = Once(_build)


def handle(request: Request) -> Answer:
    """Answer one push."""
    return answer_push(request.get_data(), _run())
