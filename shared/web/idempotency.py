"""The header by which a client may send a create request again and have one job of it."""

import json
import re

from shared.domain.idempotency import Idempotency, idempotency
from shared.web.errors import Fault
from shared.web.models import CreateBackfill

HEADER = "Idempotency-Key"
MOST_KEY_LENGTH = 255

_KEY = re.compile(rf"[!-~]{{1,{MOST_KEY_LENGTH}}}")


def key_faults(key: str | None) -> list[Fault]:
    """What is wrong with the header's value, if the request has one."""
    if key is None or _KEY.fullmatch(key):
        return []
    message = f"Give 1 to {MOST_KEY_LENGTH} visible ASCII characters"
    return [Fault(loc=["header", HEADER], msg=message, type="idempotency_key")]


def named_by(key: str | None, request: CreateBackfill) -> Idempotency | None:
    """The valid request and its client's name for it, if it has one.

    Of what was asked for rather than of the body's bytes, so that neither the order of fields nor a
    default written out makes it another request; nor does a later release with more fields.
    """
    if key is None:
        return None
    return idempotency(key, json.dumps(request.model_dump(exclude_defaults=True), sort_keys=True))
