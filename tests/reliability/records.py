"""Reads the service's records directly from Firestore."""

from collections.abc import Mapping
from typing import Any

import urllib3

# The emulator's token for a caller that bypasses security rules.
_HEADERS = {"Authorization": "Bearer owner"}


class Records:
    """The records of one stack, by its endpoints."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        root = f"http://{endpoints['firestore_host']}/v1/projects/{endpoints['project_id']}"
        self._documents = f"{root}/databases/(default)/documents"
        self._http = urllib3.PoolManager(retries=3, timeout=30.0)

    def jobs(self, job_name: str) -> list[dict[str, Any]]:
        """Return the documents of all jobs with that name, oldest first."""
        condition = {
            "field": {"fieldPath": "job_name"},
            "op": "EQUAL",
            "value": {"stringValue": job_name},
        }
        found = self._query("", {"from": [_all_of("jobs")], "where": {"fieldFilter": condition}})
        return sorted(found, key=lambda job: (job["time_created"], job["job_id"]))

    def counts(self, job: Mapping[str, Any]) -> list[int]:
        """Return ``chunks_left`` of each of the job's shards."""
        parent = f"/organizations/{job['organization_id']}/jobs/{job['job_id']}"
        return [shard["chunks_left"] for shard in self._query(parent, {"from": [{"collectionId": "counts"}]})]

    def undelivered(self, job: Mapping[str, Any]) -> int:
        """Return how many chunk records of the job's staging attempt are not delivered to all
        destinations.
        """
        parent = f"/organizations/{job['organization_id']}/jobs/{job['job_id']}"
        chunks = self._query(
            f"{parent}/attempts/{job['attempt']['attempt_id']}", {"from": [{"collectionId": "chunks"}]}
        )
        return sum(not chunk["delivered"] for chunk in chunks)

    def _query(self, parent: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        url = f"{self._documents}{parent}:runQuery"
        answer = self._http.request("POST", url, json={"structuredQuery": query}, headers=_HEADERS)
        assert answer.status == 200, answer.data
        return [_fields(entry["document"]["fields"]) for entry in answer.json() if "document" in entry]


def _all_of(collection: str) -> dict[str, Any]:
    return {"collectionId": collection, "allDescendants": True}


def _fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in fields.items()}


def _value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "integerValue":
            return int(content)
        case "mapValue":
            return _fields(content.get("fields", {}))
        case "arrayValue":
            return [_value(each) for each in content.get("values", [])]
        case "nullValue":
            return None
        case _:
            return content
