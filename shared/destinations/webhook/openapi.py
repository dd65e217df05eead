"""What a webhook's receiver is sent, as the OpenAPI document describes it."""

from typing import Any

_UUID = {"type": "string", "format": "uuid"}
_SECONDS = {"type": "string", "pattern": "^[0-9]+$"}
_TEXT = {"type": "string"}
# By name: what it is, its schema, and whether it is there without a secret too.
_HEADERS: dict[str, tuple[str, dict[str, str], bool]] = {
    "webhook-id": ("Names the batch, the same on every try: drop what you have seen.", _TEXT, True),
    "webhook-timestamp": ("Unix seconds of this try.", _SECONDS, True),
    "webhook-signature": (
        "`v1,` and the base64 of the HMAC-SHA-256 of `{webhook-id}.{webhook-timestamp}.{body}`.",
        _TEXT,
        False,
    ),
    "X-Webhook-Timestamp": ("Unix seconds of this try.", _SECONDS, True),
    "X-Webhook-Nonce": ("Another one on every try.", _UUID, True),
    "X-Signature-256": (
        "`sha256=` and the hex of the HMAC-SHA-256 of `{X-Webhook-Nonce}.{X-Webhook-Timestamp}.{body}`.",
        _TEXT,
        False,
    ),
}
_ANSWERS = {
    "2XX": "The batch is stored, and is not sent again.",
    "3XX": "Refused for good, since redirects are not followed: the job fails.",
    "408": "Not now: it is sent again.",
    "425": "Not now: it is sent again.",
    "429": "Not now: it is sent again, after `Retry-After` if there is one.",
    "4XX": "Refused for good: the job fails.",
    "503": "Not now: it is sent again, after `Retry-After` if there is one.",
    "5XX": "Not now: it is sent again.",
}


def webhook_request() -> dict[str, Any]:
    """The operation under ``webhooks``: a POST of one batch of rows to a destination's ``url``."""
    rows = {"type": "array", "minItems": 1, "items": {"type": "object", "description": "one row"}}
    return {
        "operationId": "receiveBatch",
        "summary": "A batch of rows, sent to a webhook destination",
        "description": "Signed where the destination has a `hash_key`, with that secret's bytes as the key.",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": always, "description": told, "schema": schema}
            for name, (told, schema, always) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": rows}}},
        "responses": {status: {"description": told} for status, told in _ANSWERS.items()},
    }
