"""Authentication: find the organization that an API key belongs to."""

from typing import Protocol

from werkzeug import Request

from shared.domain.organizations import Caller
from shared.web.errors import KeyUnknown

HEADER = "X-API-Key"


class Keys(Protocol):
    """The stored API keys."""

    def caller(self, key: str) -> Caller | None:
        """Return the key's owner, or None for an unknown or revoked key. May raise Unavailable."""
        ...


def authenticate(request: Request, keys: Keys) -> Caller:
    """Return the caller. Raises KeyUnknown for a missing, unknown or revoked key."""
    key = request.headers.get(HEADER)
    caller = keys.caller(key) if key else None
    if caller is None:
        raise KeyUnknown
    return caller
