"""The service's own identity, as tokens that Google signs."""

from typing import Any

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.id_token import fetch_id_token_credentials

from shared.domain.errors import Unavailable


class IdentityTokens:
    """Returns an ID token for an audience from the metadata server. Caches each token until it expires.

    Raises Unavailable if the server returns none.
    """

    def __init__(self) -> None:
        self._request = Request()
        self._credentials: dict[str, Any] = {}

    def __call__(self, audience: str) -> str:
        try:
            if audience not in self._credentials:
                self._credentials[audience] = fetch_id_token_credentials(audience, self._request)  # type: ignore[no-untyped-call]  # untyped there
            credentials = self._credentials[audience]
            if not credentials.valid:
                credentials.refresh(self._request)
        except GoogleAuthError as error:
            # The error's text may quote a response.
            raise Unavailable("the service's own identity", detail=type(error).__name__) from None
        return str(credentials.token)
