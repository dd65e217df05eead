"""A running job as its client sees it."""

from collections.abc import Callable
from typing import Any

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, wait_until
from tests.e2e.support.kafka import committed
from tests.e2e.support.receiver import Receiver, rows_once


class Watch:
    """A job's countdown as its client sees it: it never increases, and never falls below zero."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._last: int | None = None

    def until(self, reached: Callable[[dict[str, Any]], bool], seconds: float = 120) -> dict[str, Any]:
        """Poll until the condition holds or the job is completed; return the job."""
        job: dict[str, Any] = {}

        def looked() -> bool:
            job.update(self._client.get(self._job_id))
            self._check(job["chunks_left"])
            assert job["status"] in {"staging", "transporting", "completed"}, job["error_message"]
            return job["status"] == "completed" or reached(job)

        wait_until(looked, "the job gets on", seconds)
        return job

    def until_delivered(self, part: float) -> dict[str, Any]:
        """Poll until this part of the job's chunks is delivered; return the job."""
        return self.until(
            lambda job: bool(job["num_chunks"]) and job["chunks_left"] <= (1 - part) * job["num_chunks"]
        )

    def until_completed(self, seconds: float = 120) -> dict[str, Any]:
        job = self.until(lambda job: job["status"] == "completed", seconds)
        assert job["chunks_left"] == 0
        assert job["progress"]["chunks_done"] == job["num_chunks"] == job["progress"]["chunks_total"]
        return job

    def _check(self, left: int | None) -> None:
        if self._last is not None:
            assert left is not None
            assert 0 <= left <= self._last
        self._last = left


def assert_each_arrived_once(
    stack: LocalStack, topic: str, receiver: Receiver, job: dict[str, Any], ids: list[str]
) -> None:
    """Check that the job's topic and the receiver have exactly the rows with these ``unique_id``s."""
    sent = committed(stack.endpoints["kafka_bootstrap"], f"beam.{job['organization_id']}.{topic}")
    assert sorted(key or b"" for key, _ in sent) == sorted(each.encode() for each in ids)
    assert sorted(row["unique_id"] for row in rows_once(receiver.requests)) == sorted(ids)
