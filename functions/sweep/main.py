"""The sweep function: Cloud Scheduler calls it every minute."""

import os
from collections.abc import Callable

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.once import Once
from shared.bootstrap.push import AGAIN, Answer
from shared.config import read
from shared.errors import RetryLater

logs.configure()
_settings = read(os.environ, ("SNOWFLAKE_CONNECT", "SNOWFLAKE_STAGE"))


def _build() -> Callable[[], int]:
    # Snowflake's connector starts threads when it is imported, and a fork of it crashes.
    from shared.bootstrap.sweep import build  # noqa: PLC0415

    return build(_settings).run


_sweep = Once(_build)


def handle(_request: Request) -> Answer:
    """Look after every job once; answers how many there were."""
    try:
        return f"{_sweep()()} jobs looked after\n", 200
    except RetryLater:
        return AGAIN
