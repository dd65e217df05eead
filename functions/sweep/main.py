"""The sweep function: Cloud Scheduler calls it every minute."""

import os
from typing import TYPE_CHECKING

from flask import Request

from shared.bootstrap import cold_start, logs
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.bootstrap.push import Answer
from shared.config import read

if TYPE_CHECKING:
    from shared.bootstrap.sweep import Sweeping

_settings = read(os.environ, ("SNOWFLAKE_CONNECT", "SNOWFLAKE_STAGE"), called_by_google=True)
logs.configure(_settings.project)
cold_start.over()


def _build() -> "Sweeping":
    # Snowflake's connector starts threads when it is imported, and a forked process crashes.
    from shared.bootstrap.sweep import build  # noqa: PLC0415

    return build(_settings)


_sweep = Once(_build)


@answers_everything
def handle(request: Request) -> Answer:
    """Check every job once; return the number of jobs."""
    return _sweep().answer(request)
