"""The staging function, asked for what is in a slice: only it has Snowflake's credentials.

As one service asks another: over HTTPS, with an identity token for the function's URL.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import requests
from google.auth import exceptions, transport

from shared.domain.errors import Unavailable
from shared.domain.slices import Facts, Slice, SliceRefused, facts_from, faults_from, slice_to

PATH = "/estimate"
_CONNECT = 3.0
_DEPENDENCY = "Snowflake"


class IdentityTokens:
    """Headers that tell the function at ``audience`` who asks; a token is used until it ends."""

    def __init__(self, audience: str, request: transport.Request) -> None:
        self._audience = audience
        self._request = request
        self._credentials: Any = None

    def __call__(self) -> Mapping[str, str]:
        from google.oauth2 import id_token  # noqa: PLC0415 - most of the API's instances are never asked

        try:
            if self._credentials is None:
                self._credentials = id_token.fetch_id_token_credentials(  # type: ignore[no-untyped-call]  # untyped there
                    self._audience, self._request
                )
            if not self._credentials.valid:
                self._credentials.refresh(self._request)
        except exceptions.GoogleAuthError as error:
            raise Unavailable(_DEPENDENCY, detail=f"no identity token: {error}") from error
        return {"Authorization": f"Bearer {self._credentials.token}"}


class StageEstimates:
    """Fulfils the port Estimates. ``authorize`` answers headers, ``seconds`` how long an answer may take."""

    def __init__(self, url: str, authorize: Callable[[], Mapping[str, str]], seconds: float) -> None:
        self._url = f"{url}{PATH}"
        self._authorize = authorize
        self._seconds = seconds

    def facts(self, wanted: Slice) -> Facts:
        headers = self._authorize()
        try:
            answer = requests.post(
                self._url,
                json=slice_to(wanted),
                headers=headers,
                timeout=(_CONNECT, self._seconds),
                allow_redirects=False,
            )
            if answer.status_code == HTTPStatus.OK:
                return facts_from(answer.json())
            if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                raise SliceRefused(faults_from(answer.json()))
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise Unavailable(_DEPENDENCY, detail=f"{type(error).__name__}: {error}") from error
        raise Unavailable(_DEPENDENCY, detail=f"the staging function answered {answer.status_code}")
