"""Who asks: the organization that an API key belongs to."""

from typing import Protocol

from werkzeug import Request

from shared.domain.organizations import Caller
from shared.web.errors import KeyUnknown

HEADER = "X-API-Key"


class Keys(Protocol):
    """The API keys on record."""

    def caller(self, key: str) -> Caller | None:
        """Whose key it is, None for an unknown or revoked one; may raise Unavailable."""
        ...


def authenticate(request: Request, keys: Keys) -> Caller:
    """Who asks; KeyUnknown if nobody known does."""
    key = request.headers.get(HEADER)
    caller = keys.caller(key) if key else None
    if caller is None:
        raise KeyUnknown
    return caller
