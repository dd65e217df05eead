"""Idempotency keys: a client may retry a create request with the same key, and one job comes of it."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

KEY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A create request's idempotency key and body, both as SHA-256 in hex.

    ``key`` is the digest of the client's key, since a client's key may contain private text. ``request`` is
    the
    digest of the request's body.
    """

    key: str
    request: str


def idempotency(key: str, request: str) -> Idempotency:
    """Digest a client's key and its request. ``request`` must be the same text for every spelling of one
    request.
    """
    return Idempotency(_digest(key), _digest(request))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
