"""429: an organization has reached its limit of backfills in flight."""

import pytest

from shared.domain.jobs import JobStatus
from shared.web.routes import BACKFILLS
from tests.fakes.staged import finish
from tests.fakes.web import OTHER_KEY, Service, backfill


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
