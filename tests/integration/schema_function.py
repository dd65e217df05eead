"""The API function on fakes, without a practical limit of jobs."""

from flask import Request
from werkzeug import Response

from shared.bootstrap.framework import answers_everything
from tests.fakes.web import Service

_service = Service()
_service.jobs.most_in_flight = 1_000_000


@answers_everything
def handle(request: Request) -> Response:
    """Answer one request."""
    return _service.api.handle(request)
