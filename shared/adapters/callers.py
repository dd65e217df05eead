"""Who calls a function that only Google may call: Pub/Sub and Cloud Scheduler sign theirs with a token.

Cloud Run's own check (IAM) comes before this one and asks whether the caller may invoke the function; this
one asks whether the token was made for this function and by whom, so a right granted too widely is no hole.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from google.auth import exceptions, transport
from google.oauth2 import id_token

from shared.errors import CallerUnknown, Unavailable

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"

_ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
_CLOCK_SKEW = 10
_SECONDS = 5.0
# Google publishes a key long before it signs with it, so a cached answer knows every key in use.
_FRESH_AT_LEAST, _FRESH_AT_MOST = 60.0, 3600.0


class GoogleCallers:
    """Takes the calls of one service account, whose tokens are for one audience."""

    def __init__(
        self,
        request: transport.Request,
        *,
        audience: str,
        service_account: str,
        monotonic: Callable[[], float],
        certs_url: str = CERTS_URL,
    ) -> None:
        self._certs = _Cached(request, monotonic)
        self._audience = audience
        self._service_account = service_account
        self._certs_url = certs_url

    def require(self, authorization: str | None) -> None:
        """CallerUnknown unless the header's token is theirs; Unavailable while that can't be told."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise CallerUnknown("no token")
        try:
            claims = id_token.verify_token(token, self._certs, self._audience, self._certs_url, _CLOCK_SKEW)
        except exceptions.TransportError as error:
            raise Unavailable("Google's list of keys", detail=str(error)) from error
        except (exceptions.GoogleAuthError, ValueError) as error:
            # Their text quotes the token's claims, never the token.
            raise CallerUnknown(f"{type(error).__name__}: {error}") from error
        if claims.get("iss") not in _ISSUERS:
            raise CallerUnknown("the token is not Google's")
        if claims.get("email") != self._service_account or claims.get("email_verified") is not True:
            raise CallerUnknown(f"the token is of {claims.get('email')!r}")


class _Cached(transport.Request):
    """Keeps an answer for as long as it says."""

    def __init__(self, request: transport.Request, monotonic: Callable[[], float]) -> None:
        self._request = request
        self._monotonic = monotonic
        self._answers: dict[str, tuple[transport.Response, float]] = {}

    def __call__(self, url: str, method: str = "GET", *_: Any, **__: Any) -> transport.Response:
        known = self._answers.get(url)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        answer: transport.Response = self._request(url, method=method, timeout=_SECONDS)
        if answer.status == HTTPStatus.OK:
            self._answers[url] = (answer, self._monotonic() + _freshness(answer.headers))
        return answer


def _freshness(headers: Any) -> float:
    named = re.search(r"max-age=([0-9]{1,9})", headers.get("Cache-Control", ""))
    return min(max(float(named[1]) if named else 0.0, _FRESH_AT_LEAST), _FRESH_AT_MOST)
