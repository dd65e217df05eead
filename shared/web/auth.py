"""Who asks: the organization that an API key belongs to."""

from typing import Protocol

from werkzeug import Request

from shared.web.errors import KeyUnknown

HEADER = "X-API-Key"


class Keys(Protocol):
    """The API keys on record."""

    def organization(self, key: str) -> str | None:
        """The id of the key's organization, None for an unknown or revoked key; may raise Unavailable."""
        ...


def authenticate(request: Request, keys: Keys) -> str:
    """The id of the asking organization; KeyUnknown if there is none."""
    key = request.headers.get(HEADER)
    organization_id = keys.organization(key) if key else None
    if organization_id is None:
        raise KeyUnknown
    return organization_id
