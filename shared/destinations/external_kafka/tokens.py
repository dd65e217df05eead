"""Tokens for OAUTHBEARER, from the endpoint that the client's secret names.

This replaces librdkafka's own OIDC client, which would follow the endpoint's redirects to any address.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from shared.destinations.credentials import basic_login
from shared.destinations.webhook.connections import Connections
from shared.domain.errors import DestinationRefused, Unavailable

_SECONDS = 10.0
_MOST = 65_536  # bytes of an answer
_EARLY = 60.0  # seconds before its expiry at which a token is replaced
_LIFETIME = 300.0  # seconds, for a token without a stated lifetime
_OK = 200
_REFUSED = frozenset({400, 401, 403, 404})


class Tokens:
    """A client's ``oauth_cb``; ``now`` in Unix seconds."""

    def __init__(
        self, connections: Connections, given: Mapping[str, Any], name: str, now: Callable[[], float]
    ) -> None:
        """``given``: librdkafka's OIDC properties from the secret with this ``name``."""
        self._name = name
        self._connections = connections
        self._endpoint = given["sasl.oauthbearer.token.endpoint.url"]
        self._client = given["sasl.oauthbearer.client.id"]
        self._secret = given["sasl.oauthbearer.client.secret"]
        self._scope = given.get("sasl.oauthbearer.scope")
        self._now = now
        self._lock = threading.Lock()
        self._token: tuple[str, float] = "", 0.0

    def __call__(self, _config: str) -> tuple[str, float]:
        """Return a token and its expiry. Raises DestinationRefused or Unavailable if there is none."""
        with self._lock:
            if self._token[1] - _EARLY <= self._now():
                self._token = self._asked()
            return self._token

    def _asked(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        # The form's encoding comes first: RFC 6749, section 2.3.1.
        login = basic_login(quote(self._client, safe=""), quote(self._secret, safe=""))
        headers = {
            "Authorization": f"Basic {login}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        began = self._now()
        answer = self._connections.post(
            self._endpoint, urlencode(form).encode(), headers, _SECONDS, most=_MOST
        )
        if answer.status in _REFUSED:
            raise DestinationRefused(
                f"The token endpoint of secret {self._name} does not accept its username and password",
                detail=f"it answered {answer.status}",
            )
        if answer.status != _OK:
            raise Unavailable("the token endpoint", detail=f"it answered {answer.status}")
        try:
            found = json.loads(answer.excerpt)
            return str(found["access_token"]), began + float(found.get("expires_in", _LIFETIME))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DestinationRefused(
                f"The token endpoint of secret {self._name} does not answer with a token"
            ) from None
