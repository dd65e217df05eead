"""The service's own identity, told to others by a token that Google has signed."""

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.id_token import fetch_id_token

from shared.domain.errors import Unavailable


def identity_token(audience: str) -> str:
    """A new ID token for the audience, from the metadata server; Unavailable if it gives none."""
    try:
        return str(fetch_id_token(Request(), audience))  # type: ignore[no-untyped-call]  # untyped there
    except GoogleAuthError as error:
        # Its text may quote an answer.
        raise Unavailable("the service's own identity", detail=type(error).__name__) from None
