"""The API's receipt of a job."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.domain import transitions
from shared.domain.chunks import Chunk
from shared.domain.jobs import Job, JobStatus
from shared.domain.oversized import NONE_SKIPPED, OversizedRow, Skipped
from shared.web.routes import BACKFILLS
from tests.fakes.examples import RECORDS_KEPT
from tests.fakes.staged import finish, stage
from tests.fakes.web import OTHER_KEY, Service, backfill, webhook


@pytest.fixture
def service() -> Service:
    return Service()


def transporting(service: Service, chunks: int = 2, **options: Any) -> Job:
    """Return a job with chunks of five rows, for Kafka and a webhook."""
    kafka = {"type": "kafka", "name": "base-usdc-transfers-backfill"}
    job_id = service.created(backfill(destinations=[kafka, webhook()], **options))
    job = stage(service.jobs, job_id, chunks=chunks, rows=5 * chunks)
    service.chunks.record(job, [Chunk(number, f"{number}.parquet", 500, 5) for number in range(chunks)])
    return job


def deliver(service: Service, job: Job, chunk: int, place: int, skipped: Skipped = NONE_SKIPPED) -> None:
    lease = service.deliveries.take(job, chunk, job.destinations[place].uid)
    assert lease is not None
    lease.checkpoint(1, skipped)
    lease.done(5, "AAAAAA==")


def receipt(service: Service, job: Job) -> Any:
    answer = service.call("GET", f"{BACKFILLS}/{job.job_id}/receipt")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def path_of(job: Job) -> str:
    return f"{BACKFILLS}/{job.job_id}/receipt/chunks"


def test_it_tells_what_was_unloaded_and_what_each_destination_has(service: Service) -> None:
    job = transporting(service)
    for chunk, place in ((0, 0), (1, 0), (0, 1)):
        deliver(service, job, chunk, place)
    kafka, hook = job.destinations
    assert receipt(service, job) == {
        "job_id": job.job_id,
        "status": "transporting",
        "unload": {"query_id": None, "rows": 10, "chunks": 2, "bytes": 1_000},
        "destinations": [
            {
                "uid": kafka.uid,
                "type": "kafka",
                "name": kafka.name,
                "rows_delivered": 10,
                "rows_skipped": 0,
                "chunks_delivered": 2,
                "complete": True,
            },
            {
                "uid": hook.uid,
                "type": "webhook",
                "name": hook.name,
                "rows_delivered": 5,
                "rows_skipped": 0,
                "chunks_delivered": 1,
                "complete": False,
            },
        ],
        "balanced": False,
    }
    deliver(service, job, 1, 1)
    assert receipt(service, job)["balanced"] is True


def test_rows_that_were_skipped_are_named_and_count_for_the_balance(service: Service) -> None:
    job = transporting(service, chunks=1, oversized_rows="skip")
    deliver(service, job, 0, 0)
    deliver(service, job, 0, 1, Skipped(1, (OversizedRow(3, "key-3", 6_000, 5_000),)))
    told = receipt(service, job)
    kafka, hook = told["destinations"]
    assert "skipped" not in kafka
    assert (hook["rows_delivered"], hook["rows_skipped"], hook["complete"]) == (4, 1, True)
    assert hook["skipped"] == [{"chunk": 0, "row": 3, "key": "key-3", "bytes": 6_000, "limit": 5_000}]
    assert told["balanced"] is True


def test_the_chunks_come_one_a_line(service: Service) -> None:
    job = transporting(service)
    deliver(service, job, 0, 1)
    service.deliveries.take(job, 0, job.destinations[0].uid)
    answer = service.call("GET", path_of(job))
    assert (answer.status_code, answer.content_type) == (200, "application/x-ndjson")
    first, second = map(json.loads, answer.text.splitlines())
    prefix = f"org123/{job.job_id}/attempt-1"
    time_done = first["deliveries"][1].pop("time_done")
    assert time_done.startswith("2026-")
    assert time_done.endswith("Z")
    assert first == {
        "chunk": 0,
        "file": f"{prefix}/0.parquet",
        "rows": 5,
        "bytes": 500,
        "crc32c": "AAAAAA==",
        "deliveries": [
            {
                "uid": job.destinations[0].uid,
                "rows": 0,
                "rows_skipped": 0,
                "attempts": 1,
                "time_done": None,
            },
            {"uid": job.destinations[1].uid, "rows": 5, "rows_skipped": 0, "attempts": 1},
        ],
    }
    assert second == {
        "chunk": 1,
        "file": f"{prefix}/1.parquet",
        "rows": 5,
        "bytes": 500,
        "crc32c": None,
        "deliveries": [],
    }


def test_pages_of_chunks_follow_each_other_to_the_end(service: Service) -> None:
    job = transporting(service, chunks=5)
    path, numbers = f"{path_of(job)}?limit=2", []
    for _ in range(3):
        answer = service.call("GET", path)
        numbers.append([json.loads(line)["chunk"] for line in answer.text.splitlines()])
        path = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert (numbers, path) == ([[0, 1], [2, 3], [4]], "")


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=1", "cursor"),
        ("order=desc", "order"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_what_is_wrong_with_the_query_is_told(service: Service, query: str, loc: str) -> None:
    answer = service.call("GET", f"{path_of(transporting(service))}?{query}")
    assert answer.status_code == 422
    assert [fault["loc"] for fault in answer.get_json()["detail"]] == [["query", loc]]


@pytest.mark.parametrize("rest", ["receipt", "receipt/chunks"])
def test_there_is_none_before_a_job_is_staged(service: Service, rest: str) -> None:
    job_id = service.created()
    staging = service.call("GET", f"{BACKFILLS}/{job_id}/{rest}")
    assert (staging.status_code, "staging" in staging.get_json()["detail"]) == (409, True)
    finish(service.jobs, job_id, JobStatus.FAILED)
    failed = service.call("GET", f"{BACKFILLS}/{job_id}/{rest}")
    assert (failed.status_code, "failed" in failed.get_json()["detail"]) == (409, True)


@pytest.mark.parametrize("rest", ["", "/chunks"])
def test_it_is_409_once_its_days_are_over_and_the_job_is_still_there(service: Service, rest: str) -> None:
    job = transporting(service)
    service.jobs.change("org123", job.job_id, partial(transitions.cancel, now=service.time))
    service.jobs.change(
        "org123",
        job.job_id,
        partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT),
    )
    assert service.call("GET", f"{BACKFILLS}/{job.job_id}/receipt{rest}").status_code == 200
    service.jobs.change(
        "org123",
        job.job_id,
        partial(transitions.expire, now=service.time + RECORDS_KEPT + timedelta(seconds=1)),
    )
    answer = service.call("GET", f"{BACKFILLS}/{job.job_id}/receipt{rest}")
    assert (answer.status_code, answer.get_json()["detail"]) == (
        409,
        "The job is cancelled, and its receipt is no longer kept",
    )
    assert service.call("GET", f"{BACKFILLS}/{job.job_id}").get_json()["status"] == "cancelled"


@pytest.mark.parametrize("rest", ["receipt", "receipt/chunks"])
def test_another_organizations_is_404(service: Service, rest: str) -> None:
    job = transporting(service)
    assert service.call("GET", f"{BACKFILLS}/{job.job_id}/{rest}", OTHER_KEY).status_code == 404


def test_a_job_of_no_rows_balances_and_has_no_lines(service: Service) -> None:
    job = transporting(service, chunks=0)
    told = receipt(service, job)
    assert (told["balanced"], told["destinations"][0]["complete"]) == (True, True)
    answer = service.call("GET", path_of(job))
    assert (answer.status_code, answer.text) == (200, "")


def test_a_job_that_an_older_release_staged_has_no_bytes(service: Service) -> None:
    job = transporting(service)
    stored = service.jobs.stored["org123", job.job_id]
    stored.job = replace(stored.job, num_bytes=None)
    assert receipt(service, job)["unload"]["bytes"] is None


@pytest.mark.parametrize("rest", ["receipt", "receipt/chunks"])
def test_an_outage_is_503(service: Service, rest: str) -> None:
    job = transporting(service)
    service.jobs.down = True
    assert service.call("GET", f"{BACKFILLS}/{job.job_id}/{rest}").status_code == 503
