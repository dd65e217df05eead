"""The staging function: Pub/Sub pushes stage and teardown messages to it."""

import os

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.push import Answer, answer_push
from shared.bootstrap.stage import REQUIRED, build
from shared.config import read

logs.configure()
_run = build(read(os.environ, REQUIRED))


def handle(request: Request) -> Answer:
    """Answer one push."""
    return answer_push(request.get_data(), _run)
