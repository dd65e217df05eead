"""An API client that repeats unanswered requests, and remembers every answer."""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import urllib3

_PAUSE = 0.3
_REQUEST_LIMIT = 90.0  # seconds: a slower answer counts as none
_TRUE_ANSWERS = {200, 201, 404, 409, 422, 429, 503}


class NotAnswered(Exception):  # noqa: N818 - named for what happened
    """The API answered only 503, or nothing, for the client's whole patience."""


class Client:
    """Threads may share one. ``wrong`` holds the answers that no client should ever get."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self.statuses: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.unanswered = 0
        self._root = f"{endpoints['api_url']}/api/v1/beam/backfills"
        self._headers = {"X-API-Key": endpoints["api_key"], "Connection": "close"}
        self._http = urllib3.PoolManager(retries=False, timeout=_REQUEST_LIMIT, maxsize=32)
        self._lock = threading.Lock()

    def once(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the answer's status and JSON; status 0 without an answer."""
        try:
            answer = self._http.request(
                method, self._root + path, json=body, headers={**self._headers, **(headers or {})}
            )
        except urllib3.exceptions.HTTPError:
            with self._lock:
                self.unanswered += 1
            return 0, None
        return answer.status, self._note(f"{method} {path}", answer)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        patience: float,
    ) -> tuple[int, Any]:
        """Return the first answer that is not 503. Raises NotAnswered after this many seconds."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            status, content = self.once(method, path, body, headers)
            if status not in {0, 503}:
                return status, content
            time.sleep(_PAUSE)
        raise NotAnswered(f"{method} {path}")

    def _note(self, call: str, answer: urllib3.BaseHTTPResponse) -> Any:
        try:
            content = json.loads(answer.data)
        except ValueError:
            content = None
        with self._lock:
            self.statuses[answer.status] += 1
            if content is None or answer.status not in _TRUE_ANSWERS:
                self.wrong.append(f"{call}: {answer.status} {answer.data[:200]!r}")
        return content


class Prober:
    """Calls the API continuously, in parallel to all other calls."""

    def __init__(self, client: Client, pause: float = 0.25) -> None:
        self._client = client
        self._pause = pause
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prober")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        calls = (("GET", "?limit=5", None), ("GET", "/unknown", None), ("POST", "", {"job_name": "half"}))
        turn = 0
        while not self._ended.wait(self._pause):
            self._client.once(*calls[turn % len(calls)])
            turn += 1
