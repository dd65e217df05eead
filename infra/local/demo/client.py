"""The demo's client of the API: what anybody would do with curl."""

import json
from http import HTTPStatus
from typing import Any

import urllib3


class ApiError(Exception):
    """The API refused; its own words."""


class ApiClient:
    """Speaks to one stack with one organization's key."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._backfills = f"{api_url}/api/v1/beam/backfills"
        self._headers = {"X-API-Key": api_key}
        self._http = urllib3.PoolManager(timeout=30.0)

    def create(self, body: dict[str, Any]) -> str:
        """The new job's id."""
        return str(self._call("POST", self._backfills, body)["job_id"])

    def get(self, job_id: str) -> dict[str, Any]:
        return self._call("GET", f"{self._backfills}/{job_id}")

    def _call(self, method: str, url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.request(method, url, headers=self._headers, json=body)
        content: dict[str, Any] = json.loads(answer.data)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(f"{method} {url} answered {answer.status}: {content.get('detail')}")
        return content
