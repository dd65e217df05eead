"""The API function, the only public one."""

import os

from flask import Request
from werkzeug import Response

from shared.bootstrap import cold_start, logs
from shared.bootstrap.api import build
from shared.bootstrap.framework import answers_everything
from shared.bootstrap.once import Once
from shared.config import read

_settings = read(os.environ)
logs.configure(_settings.project)
cold_start.over()
_api = Once(lambda: build(_settings))


@answers_everything
def handle(request: Request) -> Response:
    """Answer one request."""
    return _api().handle(request)
