"""The delivery function: Pub/Sub pushes one message a chunk to it."""

import os

from flask import Request

from shared.bootstrap import logs
from shared.bootstrap.deliver import build
from shared.bootstrap.once import Once
from shared.bootstrap.push import Answer, answer_push
from shared.config import read

logs.configure()
_settings = read(os.environ, ("STAGING_BUCKET", "KAFKA_CLIENT"))
_run = Once(lambda: build(_settings))


def handle(request: Request) -> Answer:
    """Answer one push."""
    return answer_push(request.get_data(), _run())
