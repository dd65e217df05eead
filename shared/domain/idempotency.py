"""A client's own name for a request, so that it may send the request again and have one job of it."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

KEY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What a create request came with, both as SHA-256 in hex: ``key`` of the client's key, which may tell
    more than a name should, and ``request`` of what was asked for.
    """

    key: str
    request: str


def idempotency(key: str, request: str) -> Idempotency:
    """Of a client's key, and of the request as text that is the same for every way to write it."""
    return Idempotency(_digest(key), _digest(request))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
