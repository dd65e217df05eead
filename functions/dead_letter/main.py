"""The dead-letter function: Pub/Sub pushes messages to it that used up their attempts."""

import os

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.dead_letter import build
from shared.bootstrap.once import Once
from shared.bootstrap.push import Answer, answer_push
from shared.config import read

logs.configure()
_settings = read(os.environ)
_run = Once(lambda: build(_settings))


def handle(request: Request) -> Answer:
    """Answer one push."""
    return answer_push(request.get_data(), _run())
