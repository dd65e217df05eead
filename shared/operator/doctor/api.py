"""Calls of the installation's own API, with the API key that the operator gave."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import requests
from requests.exceptions import RequestException

from shared.operator.doctor.checks import NotAsked, shortened
from shared.operator.doctor.world import World

ANSWER: Final = 60.0  # seconds
_OUTAGE: Final = 120.0
_PAUSE: Final = 1.0
_SHOWN: Final = 300  # characters of an answer


class Refused(NotAsked):
    """The API refused the call, and will refuse it again."""

    def __init__(self, says: str, status: int) -> None:
        super().__init__(says)
        self.status = status


class NoAnswer(NotAsked):
    """The API did not do what it was asked. It may do so after ``wait`` seconds."""

    def __init__(self, says: str, wait: float = _PAUSE) -> None:
        super().__init__(says)
        self.wait = wait


class TooMany(NoAnswer):
    """The API, or Cloud Run in front of it, is at a limit. It did nothing."""


class Api:
    def __init__(self, world: World, url: str, key: str) -> None:
        self._world = world
        self._url = url
        self._key = key

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the answer. Raises Refused or NoAnswer."""
        url = self._url or self._world.installation.urls["api"]
        try:
            answer = requests.request(
                method,
                f"{url}/api/v1/beam/backfills{path}",
                json=body,
                headers={"X-API-Key": self._key, **(headers or {})},
                timeout=ANSWER,
                allow_redirects=False,
            )
            found: dict[str, Any] = answer.json() if answer.ok else {}
        except RequestException as error:
            says = f"{type(error).__name__}: {shortened(str(error), self._world.secrecy.clean)}"
            raise NoAnswer(f"{method} {url}/…{path}: {says}") from error
        if answer.ok:
            return found
        text = " ".join(self._world.secrecy.clean(answer.text).split())
        says = f"{method} {url}/…{path} answers {answer.status_code}: {text[:_SHOWN]}"
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoAnswer(says, wait_of(answer))
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise TooMany(says, wait_of(answer))
        raise Refused(says, answer.status_code)

    def ask_patiently(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the answer, after an outage of two minutes at most. The call must be safe to repeat."""
        until = time.monotonic() + _OUTAGE
        while True:
            try:
                return self.ask(method, path, body, headers)
            except NoAnswer as error:
                if time.monotonic() + error.wait > until:
                    raise
                time.sleep(error.wait)


def wait_of(answer: requests.Response) -> float:
    """Return the seconds to wait before the next attempt."""
    asked = answer.headers.get("Retry-After", "")
    return max(_PAUSE, float(asked)) if asked.isdecimal() else _PAUSE
