"""The contract's lines on retrying a job, over HTTP."""

from datetime import timedelta
from functools import partial

import pytest

from shared.domain import transitions
from shared.domain.errors import Unavailable
from shared.domain.jobs import Counts, JobStatus
from shared.domain.messages import StageJob
from shared.web.routes import BACKFILLS
from tests.fakes.examples import RECORDS_KEPT
from tests.fakes.staged import LATER, finish, stage
from tests.fakes.web import OTHER_KEY, Service, backfill, webhook

UNKNOWN_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"


@pytest.fixture
def service() -> Service:
    return Service()


def retry_path(job_id: str) -> str:
    return f"{BACKFILLS}/{job_id}/retry"


def failed_in_transport(service: Service, body: object = None) -> str:
    """Return a job that failed with two of its five chunks undelivered, and set the clock close to then."""
    job_id = service.created(body)
    stage(service.jobs, job_id, chunks=5, rows=50)
    service.jobs.stored["org123", job_id].counts = Counts(2, 20)
    finish(service.jobs, job_id, JobStatus.FAILED)
    service.time = LATER
    return job_id


def test_a_failed_job_goes_on_with_what_is_not_delivered(service: Service) -> None:
    job_id = failed_in_transport(service)
    answer = service.call("POST", retry_path(job_id))
    assert answer.status_code == 200
    job = answer.get_json()
    assert (job["status"], job["num_chunks"], job["chunks_left"]) == ("transporting", 5, 2)
    assert (job["error_message"], job["time_completed"]) == (None, None)
    assert service.queue.waiting[-1] == StageJob("org123", job_id, retry=1)


def test_it_answers_the_job_as_get_answers_it(service: Service) -> None:
    job_id = failed_in_transport(service)
    retried = service.call("POST", retry_path(job_id)).get_json()
    assert retried == service.call("GET", f"{BACKFILLS}/{job_id}").get_json()


def test_a_job_that_failed_while_staging_stages_again(service: Service) -> None:
    job_id = service.created()
    finish(service.jobs, job_id, JobStatus.FAILED)
    job = service.call("POST", retry_path(job_id)).get_json()
    assert (job["status"], job["num_chunks"], job["chunks_left"]) == ("staging", None, None)


def test_a_job_of_which_nothing_is_left_is_answered_completed(service: Service) -> None:
    job_id = failed_in_transport(service)
    stored = service.jobs.stored["org123", job_id]
    stored.counts = Counts(0, 0)
    stored.done = {(0, one.uid): stored.job.num_rows or 0 for one in stored.job.destinations}
    job = service.call("POST", retry_path(job_id)).get_json()
    assert (job["status"], job["chunks_left"], job["error_message"]) == ("completed", 0, None)
    assert job["time_completed"] is not None


@pytest.mark.parametrize("status", set(JobStatus) - {JobStatus.FAILED})
def test_409_names_the_state_of_a_job_that_has_not_failed(service: Service, status: JobStatus) -> None:
    job_id = service.created()
    if status is JobStatus.COMPLETED:
        finish(service.jobs, job_id, status)
    elif status is JobStatus.CANCELLED:
        service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
    elif status is JobStatus.TRANSPORTING:
        stage(service.jobs, job_id, chunks=5, rows=50)
    answer = service.call("POST", retry_path(job_id))
    assert (answer.status_code, list(answer.get_json())) == (409, ["detail"])
    assert f"The job is {status.value}" in answer.get_json()["detail"]


def test_a_second_retry_is_409_because_the_job_goes_on(service: Service) -> None:
    job_id = failed_in_transport(service)
    service.call("POST", retry_path(job_id))
    answer = service.call("POST", retry_path(job_id))
    assert (answer.status_code, "transporting" in answer.get_json()["detail"]) == (409, True)


def test_409_once_the_staged_files_are_gone_with_the_reason_and_what_to_do(service: Service) -> None:
    job_id = failed_in_transport(service, backfill(destinations=[webhook()]))
    service.time += timedelta(days=14)
    answer = service.call("POST", retry_path(job_id))
    assert answer.status_code == 409
    assert "staged files are gone" in answer.get_json()["detail"]
    assert "create a new backfill" in answer.get_json()["detail"]


def test_409_once_kafka_can_not_tell_what_it_has_unless_that_was_found_out(service: Service) -> None:
    job_id = failed_in_transport(service)
    service.time += timedelta(days=7)
    answer = service.call("POST", retry_path(job_id))
    assert (answer.status_code, "create a new backfill" in answer.get_json()["detail"]) == (409, True)
    service.jobs.change(
        "org123", job_id, partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
    )
    assert service.call("POST", retry_path(job_id)).status_code == 200


def test_a_topic_that_is_sent_to_at_least_once_needs_no_finding_out(service: Service) -> None:
    sink = {"type": "kafka", "name": "x", "delivery": "at_least_once"}
    job_id = failed_in_transport(service, backfill(destinations=[sink]))
    service.time += timedelta(days=7)
    assert service.call("POST", retry_path(job_id)).status_code == 200


def test_a_queue_that_is_down_is_not_the_clients_concern(service: Service) -> None:
    job_id = failed_in_transport(service)
    service.queue.down = True
    answer = service.call("POST", retry_path(job_id))
    assert (answer.status_code, answer.get_json()["status"]) == (200, "transporting")


def test_503_with_retry_after_while_the_job_store_is_down(service: Service) -> None:
    job_id = failed_in_transport(service)
    service.jobs.down = True
    answer = service.call("POST", retry_path(job_id))
    assert (answer.status_code, list(answer.get_json())) == (503, ["detail"])
    assert "Retry-After" in answer.headers
    service.jobs.down = False
    assert service.jobs.stored["org123", job_id].job.status is JobStatus.FAILED


def test_another_organizations_job_is_404_as_one_that_does_not_exist(service: Service) -> None:
    job_id = failed_in_transport(service)
    theirs = service.call("POST", retry_path(job_id), OTHER_KEY)
    nobodys = service.call("POST", retry_path(UNKNOWN_ID), OTHER_KEY)
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.text.replace(job_id, "") == nobodys.text.replace(UNKNOWN_ID, "")
    assert service.jobs.stored["org123", job_id].job.status is JobStatus.FAILED


def test_a_job_that_vanishes_meanwhile_is_404(service: Service) -> None:
    job_id = failed_in_transport(service)
    service.jobs.between = service.jobs.stored.clear
    assert service.call("POST", retry_path(job_id)).status_code == 404


def test_a_missing_key_is_401_and_another_method_405(service: Service) -> None:
    assert service.call("POST", retry_path(UNKNOWN_ID), None).status_code == 401
    answer = service.call("GET", retry_path(UNKNOWN_ID))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def test_what_kept_a_destination_is_shown_until_the_retry(service: Service) -> None:
    job_id = failed_in_transport(service)
    job = service.jobs.stored["org123", job_id].job
    service.jobs.record_destination_error(
        job, job.destinations[0].uid, str(Unavailable("the receiver")), job.time_created
    )

    def last_error(answer: dict[str, list[dict[str, dict[str, str | None]]]]) -> str | None:
        return answer["destinations"][0]["state"]["last_error"]

    before = service.call("GET", f"{BACKFILLS}/{job_id}").get_json()
    assert last_error(before) == "the receiver is not available at the moment"
    assert last_error(service.call("POST", retry_path(job_id)).get_json()) is None
