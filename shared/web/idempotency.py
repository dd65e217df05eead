"""The idempotency key: the header with which a client may retry a create request and get only one job."""

import json
import re

from shared.domain.idempotency import Idempotency, idempotency
from shared.web.errors import Fault
from shared.web.models import CreateBackfill

HEADER = "Idempotency-Key"
MOST_KEY_LENGTH = 255

_KEY = re.compile(rf"[!-~]{{1,{MOST_KEY_LENGTH}}}")


def key_faults(key: str | None) -> list[Fault]:
    """Return the faults of the header's value, if the request has the header."""
    if key is None or _KEY.fullmatch(key):
        return []
    message = f"Give 1 to {MOST_KEY_LENGTH} visible ASCII characters"
    return [Fault(loc=["header", HEADER], msg=message, type="idempotency_key")]


def named_by(key: str | None, request: CreateBackfill) -> Idempotency | None:
    """Return the idempotency of a valid request, or None if it has no key.

    The digest covers the request's meaning instead of the body's bytes. Neither the order of fields, nor an
    explicit default, nor a later release with more fields makes it a different request.
    """
    if key is None:
        return None
    return idempotency(key, json.dumps(request.model_dump(exclude_defaults=True), sort_keys=True))
