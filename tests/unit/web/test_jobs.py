"""Creating, showing and cancelling, as far as the contract's tables do not cover it."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.domain.errors import StaleMessage
from shared.domain.jobs import JobStatus
from shared.domain.messages import StageJob, TearDownJob
from shared.steps.records import DestinationProgress
from shared.web.answers import show_time
from shared.web.routes import BACKFILLS
from tests.fakes.staged import finish, stage
from tests.fakes.web import Service, backfill, webhook


def test_a_new_job_is_recorded_before_its_stage_message_is_published() -> None:
    service = Service()
    job_id = service.created()
    job = service.jobs.stored["org123", job_id].job
    assert (job.status, job.confirmed, job.webhook_batch_rows) == (JobStatus.STAGING, True, 500)
    assert service.queue.waiting == [StageJob("org123", job_id, retry=0)]


def test_every_create_is_a_job_of_its_own() -> None:
    service = Service()
    assert service.created() != service.created()


def test_times_are_utc_with_six_digits() -> None:
    paris = timezone(timedelta(hours=2))
    assert show_time(datetime(2026, 3, 1, 2, 0, tzinfo=paris)) == "2026-03-01T00:00:00.000000Z"
    assert show_time(datetime(2026, 3, 1, 0, 0, 0, 5, tzinfo=UTC)) == "2026-03-01T00:00:00.000005Z"


def test_each_destination_shows_how_far_it_is() -> None:
    service = Service()
    sinks = [{"type": "kafka", "name": "fast"}, webhook(name="slow"), {"type": "kafka", "name": "new"}]
    job_id = service.created(backfill(destinations=sinks))

    def states() -> list[tuple[str, int, str | None]]:
        job = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()
        found = [destination["state"] for destination in job["destinations"]]
        return [(state["status"], state["chunks_done"], state["last_error"]) for state in found]

    assert states() == [("pending", 0, None)] * 3
    job = stage(service.jobs, job_id, chunks=5, rows=50)
    uids = [destination.uid for destination in job.destinations]
    progress = service.jobs.stored["org123", job_id].progress
    progress[uids[0]] = DestinationProgress(5, 50, None)
    progress[uids[1]] = DestinationProgress(2, 20, "answered 503")
    assert states() == [("done", 5, None), ("delivering", 2, "answered 503"), ("delivering", 0, None)]
    finish(service.jobs, job_id, JobStatus.FAILED)
    assert states() == [("done", 5, None), ("failed", 2, "answered 503"), ("failed", 0, None)]


def test_cancelling_asks_for_the_teardown_even_when_the_queue_is_down() -> None:
    service = Service()
    job_id, other = service.created(), service.created()
    assert service.call("POST", f"{BACKFILLS}/{job_id}/cancel").status_code == 200
    assert service.queue.waiting[-1] == TearDownJob("org123", job_id)
    service.queue.down = True
    assert service.call("POST", f"{BACKFILLS}/{other}/cancel").get_json()["status"] == "cancelled"


def test_a_cancel_that_loses_to_the_end_of_the_job_is_409() -> None:
    service = Service()
    job_id = service.created()
    service.jobs.between = lambda: finish(service.jobs, job_id, JobStatus.FAILED)
    answer = service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
    assert (answer.status_code, "failed" in answer.get_json()["detail"]) == (409, True)


def test_cancelling_a_job_that_vanishes_meanwhile_is_404() -> None:
    service = Service()
    job_id = service.created()
    service.jobs.between = service.jobs.stored.clear
    assert service.call("POST", f"{BACKFILLS}/{job_id}/cancel").status_code == 404


def test_a_jobs_id_is_matched_as_a_uuid() -> None:
    service = Service()
    job_id = service.created()
    assert service.call("GET", f"{BACKFILLS}/{job_id.upper()}").get_json()["job_id"] == job_id


def test_head_answers_without_a_body() -> None:
    service = Service()
    service.created()
    answer = service.call("HEAD", BACKFILLS)
    assert (answer.status_code, answer.data) == (200, b"")


def test_a_fault_of_ours_is_500_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    broken = replace(service.api, now=_raise)
    object.__setattr__(service.api, "jobs", broken)
    with caplog.at_level(logging.ERROR, logger="backfills.api"):
        answer = service.create(backfill())
    assert (answer.status_code, answer.get_json()) == (500, {"detail": "Internal error"})
    assert "Traceback" not in answer.text
    [record] = caplog.records
    assert vars(record)["fields"] == {"request": f"POST {BACKFILLS}"}


def _raise() -> datetime:
    raise StaleMessage("unexpected")


def test_an_outage_is_logged_with_the_job_that_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    job_id = service.created()
    service.jobs.down = True
    service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
    service.call("GET", "/nowhere/at-all")
    service.keys.down = True
    service.call("GET", "/nowhere/at-all")
    outage, unknown = (vars(record)["fields"] for record in caplog.records)
    assert (outage["job_id"], outage["error"]) == (job_id, "Unavailable")
    assert outage["request"] == f"POST {BACKFILLS}/<uuid:job_id>/cancel"
    assert unknown["request"] == "unknown path"
