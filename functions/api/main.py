"""The API function: the service's public face."""

import os

from flask import Request
from werkzeug import Response

from shared.bootstrap import logs
from shared.bootstrap.api import build
from shared.config import read

logs.configure()
_api = build(read(os.environ))


def handle(request: Request) -> Response:
    """Answer one request."""
    return _api.handle(request)
