"""Verify the callers of functions that only Google may call. Pub/Sub and Cloud Scheduler send a signed token.

Cloud Run's own check (IAM) comes first and verifies that the caller may invoke the function. This check
verifies the token's audience and its service account, so an IAM permission granted too widely opens no hole.

Cloud Run replaces the signature of a verified token with a marker. Behind Cloud Run's check, this module
verifies only the claims of such a token. Everywhere else it also verifies Google's signature.
https://cloud.google.com/run/docs/troubleshooting#signature-removed
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from google.auth import exceptions, jwt, transport
from google.oauth2 import id_token

from shared.domain.errors import CallerUnknown, Unavailable

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"

_ISSUERS = ("https://accounts.google.com", "accounts.google.com")
_SEGMENTS = 3
_VERIFIED = "SIGNATURE_REMOVED_BY_GOOGLE"
_CLOCK_SKEW = 10
_SECONDS = 5.0
# Google publishes a key long before it signs with it, so a cached answer has every key in use.
_FRESH_AT_LEAST, _FRESH_AT_MOST = 60.0, 3600.0


class GoogleCallers:
    """Accepts calls of one service account with tokens for one audience.

    ``behind_iam`` must be true only if Cloud Run verifies each caller's token before the call arrives here.
    """

    def __init__(
        self,
        request: transport.Request,
        *,
        audience: str,
        service_account: str,
        behind_iam: bool,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        certs_url: str = CERTS_URL,
    ) -> None:
        self._certs = _Cached(request, monotonic)
        self._audience = audience
        self._service_account = service_account
        self._certs_url = certs_url
        self._behind_iam = behind_iam
        self._now = now

    def require(self, authorization: str | None, serverless_authorization: str | None) -> None:
        """Raise CallerUnknown unless the token is valid; Unavailable while that cannot be verified.

        The arguments are the headers Authorization and X-Serverless-Authorization.
        """
        scheme, _, token = (authorization or "").partition(" ")
        segments = token.split(".")
        if scheme.lower() != "bearer" or len(segments) != _SEGMENTS:
            # The header may hold a credential of another kind, so the error does not repeat it.
            raise CallerUnknown("no token")
        try:
            if self._behind_iam and segments[-1] == _VERIFIED:
                claims = self._verified_before(token, serverless_authorization)
            else:
                claims = id_token.verify_token(
                    token, self._certs, self._audience, self._certs_url, _CLOCK_SKEW
                )
        except exceptions.TransportError as error:
            raise Unavailable("Google's list of keys", detail=str(error)) from error
        except (exceptions.GoogleAuthError, ValueError) as error:
            # The error texts quote the token's claims, never the token.
            raise CallerUnknown(f"{type(error).__name__}: {error}") from error
        if claims.get("iss") not in _ISSUERS:
            raise CallerUnknown("Google did not issue the token")
        if claims.get("email") != self._service_account or claims.get("email_verified") is not True:
            raise CallerUnknown(f"the token belongs to {claims.get('email')!r}")

    def _verified_before(self, token: str, serverless_authorization: str | None) -> Mapping[str, Any]:
        """Return the claims of a token whose signature Cloud Run has verified, if they are valid for us."""
        if serverless_authorization is not None:
            # If this header is present, Cloud Run verifies it and does not verify the other one.
            raise CallerUnknown("the token is not the one that Cloud Run verified")
        claims: Mapping[str, Any] = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call] # no types
        if claims.get("aud") != self._audience:
            raise CallerUnknown(f"the token is for {claims.get('aud')!r}")
        issued, expires, now = claims.get("iat"), claims.get("exp"), self._now().timestamp()
        if not isinstance(issued, int) or not isinstance(expires, int):
            raise CallerUnknown("the token does not say how long it is valid")
        if not issued - _CLOCK_SKEW <= now <= expires + _CLOCK_SKEW:
            raise CallerUnknown(f"the token is valid from {issued} to {expires}")
        return claims


class _Cached(transport.Request):
    """Caches each response for its stated lifetime."""

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
