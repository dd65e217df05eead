"""A small job alone and beside large jobs of another organization; and the cost of lanes for a large job."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import urllib3
from google.cloud import firestore

from bench import process
from bench.figures import Figure, figure, ratio
from bench.rounds import Measured
from infra.local import names
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack

KEYS = ("small_beside_large", "small_beside_ten_large", "lanes_vs_all_at_once")

_ROWS, _FILE_BYTES = 200_000, 60_000
_MONTH = ("2026-03-01T00:00:00", "2026-04-01T00:00:00")  # about 1,240 chunks
_TWO_HOURS = ("2026-03-10T00:00:00", "2026-03-10T02:00:00")  # four chunks
_EIGHT_DAYS = ("2026-03-01T00:00:00", "2026-03-09T00:00:00")  # about 320 chunks, for the cost of lanes
_TEN = 10
# More chunks in flight than any job has, and as many parallel deliveries, so that nothing else limits them.
_NO_LIMIT = {"CHUNKS_IN_FLIGHT": "10000", "DELIVERIES_AT_ONCE": "10000"}
_SECONDS = 600.0
_LOOK_AGAIN = 0.05


class _Client:
    """A client of one organization."""

    def __init__(self, endpoints: Mapping[str, Any], organization_id: str, key: str) -> None:
        self._url = f"{endpoints['api_url']}/api/v1/beam/backfills"
        self._headers = {"X-API-Key": key, "Connection": "close"}
        self._organization_id = organization_id
        os.environ["FIRESTORE_EMULATOR_HOST"] = endpoints["firestore_host"]
        self._records = firestore.Client(project=endpoints["project_id"])
        self._http = urllib3.PoolManager(retries=False, timeout=60.0)
        self._names = 0

    def create(self, window: tuple[str, str], **options: Any) -> str:
        self._names += 1
        start, end = window
        body = {
            "job_name": "fairness",
            "table": "base.assets.erc20_token_transfers",
            "backfill_window": {"partition_key": "block_timestamp", "start": start, "end": end},
            "destinations": [{"type": "kafka", "name": f"fairness-{self._names}"}],
        }
        return str(self._ask("POST", "", 201, {**body, **options})["job_id"])

    def cancel(self, job_ids: list[str]) -> None:
        """Cancel jobs, and wait until their removal is complete: it would slow the next measurement."""
        for job_id in job_ids:
            self._ask("POST", f"/{job_id}/cancel", 200)
        until = time.monotonic() + _SECONDS
        while not all(map(self._is_torn_down, job_ids)):
            if time.monotonic() > until:
                raise process.BenchFailure("the files of cancelled jobs were not removed")
            time.sleep(1.0)

    def _is_torn_down(self, job_id: str) -> bool:
        job = self._records.document("organizations", self._organization_id, "jobs", job_id).get()
        return bool(job.get("torn_down"))

    def wait(self, job_id: str, chunks: int | None = None) -> dict[str, Any]:
        """Wait until the job is completed, or has this many chunks done."""
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            job = self._ask("GET", f"/{job_id}", 200)
            if job["status"] == "completed":
                return job
            if job["status"] not in {"staging", "transporting"}:
                raise process.BenchFailure(f"a job is {job['status']}: {job['error_message']}")
            if chunks is not None and job["progress"]["chunks_done"] >= chunks:
                return job
            time.sleep(_LOOK_AGAIN)
        raise process.BenchFailure("a job made too little progress in time")

    def timed(self, window: tuple[str, str], **options: Any) -> Measured:
        """Return the seconds from the request to `completed`."""
        began = time.monotonic()
        job = self.wait(self.create(window, **options))
        return {"seconds": time.monotonic() - began, "chunks": job["num_chunks"]}

    def _ask(self, method: str, path: str, status: int, body: Any = None) -> dict[str, Any]:
        answer = self._http.request(method, self._url + path, json=body, headers=self._headers)
        if answer.status != status:
            raise process.BenchFailure(f"{method} {path}: {answer.status} {answer.data[:200]!r}")
        found: dict[str, Any] = answer.json()
        return found


def run(rounds: int) -> dict[str, Figure]:
    alone: list[Measured] = []
    beside: dict[int, list[Measured]] = {1: [], _TEN: []}
    with _stack({}) as (mine, stranger):
        mine.timed(_TWO_HOURS)  # starts every function
        for turn in range(rounds):
            alone.append(mine.timed(_TWO_HOURS))
            for many in list(beside)[:: -1 if turn % 2 else 1]:
                beside[many].append(_beside(mine, stranger, many))
    lanes: list[Measured] = []
    at_once: list[Measured] = []
    with _stack(_NO_LIMIT) as (mine, _):
        mine.timed(_TWO_HOURS)
        for turn in range(rounds):
            for found in (lanes, at_once)[:: -1 if turn % 2 else 1]:
                options = {"max_parallel_chunks": _lanes()} if found is lanes else {}
                found.append(mine.timed(_EIGHT_DAYS, **options))
    return {
        "small_beside_large": ratio(beside[1], alone, "seconds"),
        "small_beside_ten_large": ratio(beside[_TEN], alone, "seconds"),
        "lanes_vs_all_at_once": ratio(lanes, at_once, "seconds"),
        "small_alone_s": figure(each["seconds"] for each in alone),
        "small_beside_large_s": figure(each["seconds"] for each in beside[1]),
        "small_beside_ten_large_s": figure(each["seconds"] for each in beside[_TEN]),
        "small_chunks": figure(each["chunks"] for each in alone),
        "large_chunks": figure(each["large_chunks"] for many in beside.values() for each in many),
    }


def _lanes() -> int:
    """Return the number of lanes of a single job on a local stack."""
    return 2 * StackOptions().concurrency["deliver"]


def _beside(mine: _Client, stranger: _Client, many: int) -> Measured:
    """Time the small job while this many large jobs of another organization are running."""
    large = [stranger.create(_MONTH) for _ in range(many)]
    try:
        jobs = [stranger.wait(job_id, chunks=1) for job_id in large]
        found = mine.timed(_TWO_HOURS)
    finally:
        stranger.cancel(large)
    return {**found, "large_chunks": jobs[0]["num_chunks"]}


@contextmanager
def _stack(environment: Mapping[str, str]) -> Iterator[tuple[_Client, _Client]]:
    """Start the whole local stack with small chunks; yield a client of each of its organizations."""
    with tempfile.TemporaryDirectory() as folder:
        options = StackOptions(
            folder=Path(folder),
            rows=_ROWS,
            unload_file_bytes=_FILE_BYTES,
            environment=environment,
            optimize_kafka=True,
        )
        with process.everywhere(), LocalStack(options) as stack:
            keys = stack.endpoints["second_api_key"], stack.endpoints["api_key"]
            organizations = names.SECOND_ORGANIZATION, names.ORGANIZATION
            mine, stranger = map(partial(_Client, stack.endpoints), organizations, keys)
            yield mine, stranger
