"""The OpenAPI description of the requests to a webhook's receiver."""

from typing import Any

_UUID = {"type": "string", "format": "uuid"}
_SECONDS = {"type": "string", "pattern": "^[0-9]+$"}
_TEXT = {"type": "string"}
# By name: the description, the schema, and whether the header is also sent without a secret.
_HEADERS: dict[str, tuple[str, dict[str, str], bool]] = {
    "webhook-id": ("Identifies the batch, the same at every attempt: drop repeats.", _TEXT, True),
    "webhook-timestamp": ("Unix seconds of this attempt.", _SECONDS, True),
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA-256 of `{webhook-id}.{webhook-timestamp}.{body}`.",
        _TEXT,
        False,
    ),
    "X-Webhook-Timestamp": ("Unix seconds of this attempt.", _SECONDS, True),
    "X-Webhook-Nonce": ("A new value at every attempt.", _UUID, True),
    "X-Signature-256": (
        "`sha256=` and the hex of the HMAC-SHA-256 of `{X-Webhook-Nonce}.{X-Webhook-Timestamp}.{body}`.",
        _TEXT,
        False,
    ),
}
_ANSWERS = {
    "2XX": "The batch is stored. The service does not send it again.",
    "3XX": "A permanent error, because the service does not follow redirects: the job fails.",
    "408": "A temporary error: the service retries.",
    "425": "A temporary error: the service retries.",
    "429": "A temporary error: the service retries, after `Retry-After` if present.",
    "4XX": "A permanent error: the job fails.",
    "503": "A temporary error: the service retries, after `Retry-After` if present.",
    "5XX": "A temporary error: the service retries.",
}


def webhook_request() -> dict[str, Any]:
    """Return the operation for ``webhooks``: a POST of one batch of rows to a destination's ``url``."""
    rows = {"type": "array", "minItems": 1, "items": {"type": "object", "description": "one row"}}
    return {
        "operationId": "receiveBatch",
        "summary": "A batch of rows, sent to a webhook destination",
        "description": "Signed if the destination has a `hash_key`, with that secret's bytes as the key.",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": always, "description": told, "schema": schema}
            for name, (told, schema, always) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": rows}}},
        "responses": {status: {"description": told} for status, told in _ANSWERS.items()},
    }
