"""The dead-letter function: Pub/Sub pushes messages that used up their attempts to it."""

import os

from flask import Request

from shared.bootstrap import cold_start, logs, push
from shared.bootstrap.dead_letter import build
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.config import read

_settings = read(os.environ, called_by_google=True)
logs.configure(_settings.project)
cold_start.over()
_push = Once(lambda: push.build(_settings, "dead_letter", build))


@answers_everything
def handle(request: Request) -> push.Answer:
    """Answer one push."""
    return _push().answer(request)
