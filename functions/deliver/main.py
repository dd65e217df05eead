"""The delivery function: Pub/Sub pushes one message per chunk to it."""

import os

from flask import Request

from shared.bootstrap import cold_start, logs, push
from shared.bootstrap.deliver import build
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.config import read

_settings = read(os.environ, ("STAGING_BUCKET", "KAFKA_CLIENT"), called_by_google=True)
logs.configure(_settings.project)
cold_start.over()
_push = Once(lambda: push.build(_settings, "deliver", build))


@answers_everything
def handle(request: Request) -> push.Answer:
    """Answer one push."""
    return _push().answer(request)
