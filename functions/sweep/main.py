"""The sweep function: Cloud Scheduler calls it every minute."""

import os

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.push import AGAIN, Answer
from shared.bootstrap.sweep import REQUIRED, build
from shared.config import read
from shared.errors import RetryLater

logs.configure()
_sweep = build(read(os.environ, REQUIRED))


def handle(_request: Request) -> Answer:
    """Look after every job once; answers how many there were."""
    try:
        return f"{_sweep.run()} jobs looked after\n", 200
    except RetryLater:
        return AGAIN
