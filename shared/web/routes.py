"""The API's paths, and which call a request is."""

from collections.abc import Mapping
from typing import Any

from werkzeug import Request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.exceptions import MethodNotAllowed as WrongMethod
from werkzeug.routing import Map, MapAdapter, Rule

from shared.web.errors import MethodNotAllowed, PathUnknown

BACKFILLS = "/api/v1/beam/backfills"
PATHS = Map(
    [
        Rule("/health", endpoint="health", methods=["GET"]),
        Rule("/api/v1/beam/openapi.json", endpoint="openapi", methods=["GET"]),
        Rule(BACKFILLS, endpoint="create", methods=["POST"]),
        Rule(BACKFILLS, endpoint="list", methods=["GET"]),
        Rule(f"{BACKFILLS}/estimate", endpoint="estimate", methods=["POST"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>", endpoint="get", methods=["GET"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/receipt", endpoint="receipt", methods=["GET"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/receipt/chunks", endpoint="receipt_chunks", methods=["GET"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/cancel", endpoint="cancel", methods=["POST"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/retry", endpoint="retry", methods=["POST"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/pause", endpoint="pause", methods=["POST"]),
        Rule(f"{BACKFILLS}/<uuid:job_id>/resume", endpoint="resume", methods=["POST"]),
    ],
    # A path with a double slash is a different path. A redirect would have a different response shape.
    merge_slashes=False,
)
PUBLIC = {"/health", "/api/v1/beam/openapi.json"}


def route(request: Request) -> tuple[str, Mapping[str, Any]]:
    """Return the call's name and the path's arguments. Raises PathUnknown or MethodNotAllowed."""
    try:
        return _bound_to(request).match()
    except NotFound as error:
        raise PathUnknown from error
    except WrongMethod as error:
        raise MethodNotAllowed(list(error.valid_methods or ())) from error


def asked_for(request: Request) -> dict[str, str]:
    """Return the job and the path's pattern for logs and traces. Clients invent paths, so omit the path."""
    try:
        rule, arguments = _bound_to(request).match(return_rule=True)
    except HTTPException:
        return {"request": "unknown path"}
    return {"request": f"{request.method} {rule.rule}"} | {
        name: str(value) for name, value in arguments.items()
    }


def _bound_to(request: Request) -> MapAdapter:
    return PATHS.bind("", path_info=request.path, default_method=request.method)
