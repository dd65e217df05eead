"""An API client for tests."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import urllib3

ENDS = {"completed", "failed", "cancelled"}
MARCH = ("2026-03-01T00:00:00", "2026-04-01T00:00:00")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120.0) -> None:
    """Wait until the condition holds; fail after this many seconds, with ``what`` in the message."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"timeout after {seconds:g} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Answer:
    """``body`` is the JSON value."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Client:
    """A client with one organization's key."""

    api_url: str
    api_key: str
    timeout: float = 60.0
    _http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def create(self, **fields: Any) -> str:
        """Create a backfill that must be accepted; return the job's id."""
        answer = self.post(backfill(**fields))
        assert answer.status == HTTPStatus.CREATED, answer
        return str(answer.body["job_id"])

    def post(self, body: Any) -> Answer:
        """Try to create a backfill; ``body`` is a JSON value, or the raw bytes."""
        return self.call("POST", "", body)

    def get(self, job_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"/{job_id}")
        assert answer.status == HTTPStatus.OK, answer
        job: dict[str, Any] = answer.body
        return job

    def list(self) -> list[dict[str, Any]]:
        answer = self.call("GET", "")
        assert answer.status == HTTPStatus.OK, answer
        jobs: list[dict[str, Any]] = answer.body
        return jobs

    def cancel(self, job_id: str) -> Answer:
        return self.call("POST", f"/{job_id}/cancel")

    def wait_for(self, job_id: str, *statuses: str, seconds: float = 120.0) -> dict[str, Any]:
        """Return the job once it has one of the statuses; fail if it ends otherwise."""
        deadline = time.monotonic() + seconds
        while (job := self.get(job_id))["status"] not in statuses:
            assert job["status"] not in ENDS, job
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    def completed(self, job_id: str, seconds: float = 120.0) -> dict[str, Any]:
        return self.wait_for(job_id, "completed", seconds=seconds)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Call the API; ``path`` follows the path of the backfills."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-API-Key": self.api_key, "Content-Type": "application/json"}
        url = f"{self.api_url}/api/v1/beam/backfills{path}"
        answer = self._http.request(method, url, body=data, headers=headers, timeout=self.timeout)
        return Answer(answer.status, answer.headers, json.loads(answer.data))


def backfill(
    table: str,
    destinations: list[dict[str, Any]],
    *,
    window: tuple[str, str] = MARCH,
    column: str | None = None,
    values: list[Any] | None = None,
    columns: list[Any] | None = None,
) -> dict[str, Any]:
    """Return the body of a create request; it has a filter only with a column."""
    body: dict[str, Any] = {
        "job_name": "End to end",
        "table": table,
        "backfill_window": {"partition_key": "block_timestamp", "start": window[0], "end": window[1]},
        "destinations": destinations,
    }
    if column is not None:
        body["filter"] = {"column": column, "values": values}
    if columns is not None:
        body["columns"] = columns
    return body


def kafka(name: str) -> dict[str, Any]:
    return {"type": "kafka", "name": name}


def webhook(name: str, url: str, hash_key: str | None = None) -> dict[str, Any]:
    return {"type": "webhook", "name": name, "url": url} | ({"hash_key": hash_key} if hash_key else {})
