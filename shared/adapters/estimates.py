"""Estimates from the staging function, because only this function has Snowflake's credentials.

The API calls it over HTTPS, with an identity token for the function's URL.
"""

from collections.abc import Callable
from http import HTTPStatus

from shared.domain.errors import Unavailable
from shared.domain.slices import Facts, Slice, SliceRefused, facts_from, faults_from, slice_to

PATH = "/estimate"
_CONNECT = 3.0
_DEPENDENCY = "Snowflake"


class StageEstimates:
    """Implements the port Estimates.

    ``identity_token`` returns a token for the function's URL; None if the function does not require one.
    ``seconds``: the time limit for an answer.
    """

    def __init__(self, url: str, identity_token: Callable[[str], str] | None, seconds: float) -> None:
        self._url = url
        self._identity_token = identity_token
        self._seconds = seconds

    def facts(self, wanted: Slice) -> Facts:
        import requests  # noqa: PLC0415 - most API instances never serve an estimate

        headers = {}
        if self._identity_token is not None:
            headers["Authorization"] = f"Bearer {self._identity_token(self._url)}"
        try:
            answer = requests.post(
                f"{self._url}{PATH}",
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
