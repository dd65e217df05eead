"""429: an organization has reached its limit of backfills in flight."""

from datetime import timedelta

import pytest

from shared.domain.jobs import Counts, JobStatus
from shared.web.routes import BACKFILLS
from tests.fakes.staged import LATER, finish, stage
from tests.fakes.web import OTHER_KEY, Service, backfill, webhook


@pytest.fixture
def service() -> Service:
    service = Service()
    service.jobs.most_in_flight = 2
    return service


def test_429_over_the_limit_of_jobs_in_flight_with_retry_after_and_nothing_recorded(service: Service) -> None:
    jobs = {service.created(), service.created()}
    answer = service.create(backfill())
    assert (answer.status_code, list(answer.get_json())) == (429, ["detail"])
    assert int(answer.headers["Retry-After"]) > 0
    assert {job["job_id"] for job in service.call("GET", BACKFILLS).get_json()} == jobs
    assert len(service.jobs.stored) == 2


def test_422_comes_before_429(service: Service) -> None:
    service.created()
    service.created()
    assert service.create({}).status_code == 422


def test_another_organization_is_not_held_back(service: Service) -> None:
    service.created()
    service.created()
    service.created(key=OTHER_KEY)


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_has_ended_no_longer_counts(service: Service, status: JobStatus) -> None:
    job_id = service.created()
    service.created()
    if status is JobStatus.CANCELLED:
        service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
    else:
        finish(service.jobs, job_id, status)
    service.created()


def test_a_repeated_request_answers_the_first_job_also_at_the_limit(service: Service) -> None:
    headers = {"Idempotency-Key": "march"}
    first = service.call("POST", BACKFILLS, json=backfill(), headers=headers).get_json()
    service.created()
    again = service.call("POST", BACKFILLS, json=backfill(), headers=headers)
    assert (again.status_code, again.get_json()) == (201, first)


def test_a_retry_needs_a_place_too(service: Service) -> None:
    failed = service.created()
    finish(service.jobs, failed, JobStatus.FAILED)
    other = service.created()
    service.created()
    answer = service.call("POST", f"{BACKFILLS}/{failed}/retry")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert service.call("GET", f"{BACKFILLS}/{failed}").get_json()["status"] == "failed"
    service.call("POST", f"{BACKFILLS}/{other}/cancel")
    assert service.call("POST", f"{BACKFILLS}/{failed}/retry").status_code == 200


def test_a_job_that_goes_on_is_409_also_at_the_limit(service: Service) -> None:
    """The client needs to know the job's state, not that it should retry."""
    job_id = service.created()
    service.created()
    assert service.call("POST", f"{BACKFILLS}/{job_id}/retry").status_code == 409


def failed_with(service: Service, left: Counts) -> str:
    """Return a failed job with these counts, in an organization at its limit."""
    job_id = service.created(backfill(destinations=[webhook()]))
    job = stage(service.jobs, job_id, chunks=5, rows=50)
    stored = service.jobs.stored["org123", job_id]
    stored.counts = left
    stored.done = {(0, one.uid): 50 - left.rows_left for one in job.destinations}
    finish(service.jobs, job_id, JobStatus.FAILED)
    service.created()
    service.created()
    service.time = LATER
    return job_id


def test_a_retry_that_completes_the_job_takes_no_place(service: Service) -> None:
    job_id = failed_with(service, Counts(0, 0))
    answer = service.call("POST", f"{BACKFILLS}/{job_id}/retry")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "completed")


def test_409_comes_before_429(service: Service) -> None:
    """A client that waited for a place would wait in vain."""
    job_id = failed_with(service, Counts(2, 20))
    assert service.call("POST", f"{BACKFILLS}/{job_id}/retry").status_code == 429
    service.time += timedelta(days=14)
    answer = service.call("POST", f"{BACKFILLS}/{job_id}/retry")
    assert (answer.status_code, "create a new backfill" in answer.get_json()["detail"]) == (409, True)
