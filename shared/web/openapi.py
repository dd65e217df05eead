"""The OpenAPI 3.1 document, generated from the models of requests and the types of responses."""

from datetime import timedelta
from typing import Any

from shared.destinations import KINDS
from shared.domain.idempotency import KEY_LIFETIME
from shared.domain.jobs import JobStatus
from shared.web.answers import Backfill, CreatedBackfill, ListedBackfill
from shared.web.auth import HEADER
from shared.web.estimates import EstimatedBackfill
from shared.web.idempotency import HEADER as IDEMPOTENCY_HEADER
from shared.web.idempotency import MOST_KEY_LENGTH
from shared.web.listing import CURSOR_PATTERN, MOST_PER_PAGE
from shared.web.models import CreateBackfill, EstimateBackfill, Rules
from shared.web.openapi_schemas import REFERENCE, InvalidRequest, Problem, schemas
from shared.web.receipts import CURSOR_PATTERN as RECEIPT_CURSOR
from shared.web.receipts import MEDIA_TYPE as RECEIPT_TYPE
from shared.web.receipts import Receipt, ReceiptChunk

_JOB_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
_EXAMPLE: dict[str, Any] = {
    "job_name": "USDC transfers on Base — Mar 2026",
    "table": "base.assets.erc20_token_transfers",
    "backfill_window": {
        "partition_key": "block_timestamp",
        "start": "2026-03-01T00:00:00",
        "end": "2026-04-01T00:00:00",
    },
    "filter": {"column": "token_address", "values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"]},
    "destinations": [{"type": "kafka", "name": "base-usdc-transfers-backfill"}],
}


# The operations on one job.
OF_ONE_JOB = (
    "getBackfill",
    "cancelBackfill",
    "retryBackfill",
    "pauseBackfill",
    "resumeBackfill",
    "getReceipt",
    "getReceiptChunks",
)
_ERRORS: dict[int, tuple[str, type[Problem] | type[InvalidRequest]]] = {
    400: ("The connection broke before the body was complete", Problem),
    401: ("The API key is missing, unknown or revoked", Problem),
    404: ("No such job in the key's organization", Problem),
    409: ("The job's state, which the detail names, or the Idempotency-Key does not allow it", Problem),
    413: ("The body is over 2 MiB", Problem),
    415: ("The body is not JSON in UTF-8", Problem),
    422: ("The request is invalid", InvalidRequest),
    429: (
        "The organization has reached its limit of backfills that have not ended, or its rate limit",
        Problem,
    ),
    500: ("The service has a fault", Problem),
    503: ("A dependency of the service is not available; nothing was recorded", Problem),
}
_LINK = {
    "Link": {
        "description": 'rel="next" while more follow; only with limit',
        "schema": {"type": "string"},
    }
}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE}
_CURSOR = "The cursor of a Link header: continue after that page."
_RETRY_AFTER = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}


def document(rules: Rules) -> dict[str, Any]:
    """Return the whole document as JSON, for an API with these rules."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Backfills",
            "version": "1.0.0",
            "description": (
                "Replays a slice of a table to streaming destinations. An unknown path gets 404, an"
                " unsupported method 405 with `Allow`, both in the shape of `Problem`."
            ),
        },
        "security": [{"ApiKey": []}],
        "paths": {
            "/api/v1/beam/backfills": {"post": _create(), "get": _list()},
            "/api/v1/beam/backfills/estimate": {"post": _estimate()},
            "/api/v1/beam/backfills/{job_id}": {
                "parameters": [_job_id()],
                "get": _operation("getBackfill", "Get a backfill", _json(200, Backfill), 404),
            },
            "/api/v1/beam/backfills/{job_id}/receipt": {
                "parameters": [_job_id()],
                "get": _operation(
                    "getReceipt", "Get the receipt of a backfill", _json(200, Receipt), 404, 409
                ),
            },
            "/api/v1/beam/backfills/{job_id}/receipt/chunks": {
                "parameters": [_job_id()],
                "get": _receipt_chunks(),
            },
            "/api/v1/beam/backfills/{job_id}/cancel": {
                "parameters": [_job_id()],
                "post": _operation("cancelBackfill", "Cancel a backfill", _json(200, Backfill), 404, 409),
            },
            "/api/v1/beam/backfills/{job_id}/retry": {
                "parameters": [_job_id()],
                "post": _operation(
                    "retryBackfill", "Retry a failed backfill", _json(200, Backfill), 404, 409, 429
                ),
            },
            "/api/v1/beam/backfills/{job_id}/pause": {
                "parameters": [_job_id()],
                "post": _operation("pauseBackfill", "Pause a backfill", _json(200, Backfill), 404, 409),
            },
            "/api/v1/beam/backfills/{job_id}/resume": {
                "parameters": [_job_id()],
                "post": _operation(
                    "resumeBackfill", "Resume a paused backfill", _json(200, Backfill), 404, 409
                ),
            },
            "/api/v1/beam/openapi.json": {"get": _public("getOpenApi", "This document")},
            "/health": {"get": _public("getHealth", "Whether the API answers")},
        },
        "webhooks": {name: path for kind in KINDS.values() for name, path in kind.spec().webhooks().items()},
        "components": {
            "schemas": schemas(rules),
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": HEADER}},
        },
    }


def _create() -> dict[str, Any]:
    created = _json(201, CreatedBackfill)
    created["201"]["headers"] = {"Location": {"description": "The job's path", "schema": {"type": "string"}}}
    created["201"]["links"] = {name: _link(name) for name in OF_ONE_JOB}
    body = {"schema": _reference(CreateBackfill), "examples": {"transfers": {"value": _EXAMPLE}}}
    return {
        **_operation("createBackfill", "Create a backfill", created, 400, 409, 413, 415, 422, 429),
        "parameters": [_idempotency_key()],
        "requestBody": {"required": True, "content": {"application/json": body}},
    }


def _estimate() -> dict[str, Any]:
    body = {"schema": _reference(EstimateBackfill), "examples": {"transfers": {"value": _EXAMPLE}}}
    found = _json(200, EstimatedBackfill)
    return {
        **_operation("estimateBackfill", "Estimate a backfill", found, 400, 413, 415, 422, 429),
        "requestBody": {"required": True, "content": {"application/json": body}},
    }


def _link(operation: str) -> dict[str, Any]:
    return {"operationId": operation, "parameters": {"job_id": "$response.body#/job_id"}}


def _list() -> dict[str, Any]:
    page = _json(200, ListedBackfill)
    schema = {"type": "array", "items": _reference(ListedBackfill)}
    page["200"]["content"] = {"application/json": {"schema": schema}}
    page["200"]["headers"] = _LINK
    statuses = {"type": "array", "items": {"type": "string", "enum": [status.value for status in JobStatus]}}
    order = {"type": "string", "enum": ["asc", "desc"], "default": "asc"}
    return {
        **_operation("listBackfills", "List backfills", page, 422),
        "parameters": [
            _query("status", statuses, "Only jobs with this status; repeat it for several statuses."),
            _query("order", order, "By time of creation: `asc` is oldest first, `desc` newest first."),
            _query("limit", _LIMIT, "The most jobs on a page; without it, all jobs."),
            _query("cursor", {"type": "string", "pattern": CURSOR_PATTERN}, _CURSOR),
        ],
    }


def _receipt_chunks() -> dict[str, Any]:
    page = _json(200, ReceiptChunk, "One chunk a line, by number")
    # OpenAPI has no keyword for the schema of lines before 3.2.
    line = {"schema": {"type": "string"}, "x-item-schema": _reference(ReceiptChunk)}
    page["200"]["content"] = {RECEIPT_TYPE: line}
    page["200"]["headers"] = _LINK
    return {
        **_operation("getReceiptChunks", "Get the receipt of every chunk", page, 404, 409, 422),
        "parameters": [
            _query("limit", _LIMIT, "The most chunks on a page; without it, all chunks."),
            _query("cursor", {"type": "string", "pattern": RECEIPT_CURSOR}, _CURSOR),
        ],
    }


def _operation(name: str, summary: str, answers: dict[str, Any], *errors: int) -> dict[str, Any]:
    refusals: dict[str, Any] = {}
    for status in sorted({401, 500, 503, *errors}):
        description, kind = _ERRORS[status]
        refusals |= _json(status, kind, description)
    for busy in {"429", "503"} & refusals.keys():
        refusals[busy]["headers"] = _RETRY_AFTER
    return {"operationId": name, "summary": summary, "responses": answers | refusals}


def _public(name: str, summary: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    response = {"200": {"description": summary, "content": content}}
    return {"operationId": name, "summary": summary, "security": [], "responses": response}


def _json(status: int, kind: type[Any], description: str = "Successful") -> dict[str, Any]:
    content = {"application/json": {"schema": _reference(kind)}}
    return {str(status): {"description": description, "content": content}}


def _reference(kind: type[Any]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=kind.__name__)}


def _job_id() -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    return {"name": "job_id", "in": "path", "required": True, "schema": schema, "example": _JOB_ID}


def _idempotency_key() -> dict[str, Any]:
    hours = KEY_LIFETIME // timedelta(hours=1)
    schema = {"type": "string", "minLength": 1, "maxLength": MOST_KEY_LENGTH, "pattern": "^[!-~]+$"}
    description = (
        f"Within {hours} hours, the same request with the same key returns the first job again; a different"
        " request with the same key is an error."
    )
    return {
        "name": IDEMPOTENCY_HEADER,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
