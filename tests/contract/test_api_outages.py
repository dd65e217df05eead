"""503 means that nothing was recorded: no outage makes the API deny a change that it made."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.domain import transitions
from shared.domain.errors import JobUnreadable, Unavailable
from shared.domain.jobs import Counts, Job, JobStatus
from shared.steps.records import DestinationProgress
from shared.web.routes import BACKFILLS
from tests.fakes.faults import Fault, Faults
from tests.fakes.jobs import FakeJobs
from tests.fakes.staged import LATER, finish, stage
from tests.fakes.web import Service, backfill, webhook

SINKS = [webhook(name="fast"), webhook(name="slow")]
COUNTS = "FakeJobs.counts"


def moving(service: Service) -> str:
    """Return a job with two of its five chunks undelivered, and one of these at its first destination."""
    job_id = service.created(backfill(destinations=SINKS))
    job = stage(service.jobs, job_id, chunks=5, rows=50)
    stored = service.jobs.stored["org123", job_id]
    stored.counts = Counts(2, 20)
    for destination, chunks in zip(job.destinations, (4, 3), strict=True):
        stored.progress[destination.uid] = DestinationProgress(chunks, 10 * chunks, "answered 503")
    service.time = LATER
    return job_id


def paused(service: Service) -> str:
    job_id = moving(service)
    service.jobs.change("org123", job_id, partial(transitions.pause, now=LATER))
    return job_id


def failed(service: Service) -> str:
    job_id = moving(service)
    finish(service.jobs, job_id, JobStatus.FAILED)
    return job_id


def failed_with_nothing_left(service: Service) -> str:
    job_id = failed(service)
    stored = service.jobs.stored["org123", job_id]
    stored.counts = Counts(0, 0)
    stored.done = {(0, one.uid): 50 for one in stored.job.destinations}
    return job_id


CASES = [
    ("cancel", Service.created),
    ("pause", Service.created),
    ("cancel", moving),
    ("pause", moving),
    ("resume", paused),
    ("retry", failed),
    ("retry", failed_with_nothing_left),
]
of_every_change = pytest.mark.parametrize(("name", "make"), CASES)


def struck(service: Service, at: int | None = None) -> Faults:
    """Let the API's call with this number, to its records or its queue, fail."""
    faults = Faults(at, Fault.OUTAGE)
    for part in ("jobs", "listings", "publisher"):
        object.__setattr__(service.api, part, faults.guard(getattr(service.api, part)))
    return faults


def stored(service: Service, job_id: str) -> Job:
    return service.jobs.stored["org123", job_id].job


def act(service: Service, job_id: str, name: str) -> TestResponse:
    return service.call("POST", f"{BACKFILLS}/{job_id}/{name}")


@of_every_change
def test_after_503_nothing_is_recorded_and_the_same_call_succeeds(
    name: str, make: Callable[[Service], str]
) -> None:
    at, statuses = 0, []
    while True:
        service = Service()
        job_id = make(service)
        before, logged = stored(service, job_id), len(service.events)
        faults = struck(service, at)
        answer = act(service, job_id, name)
        if not faults.happened:
            break
        statuses.append(answer.status_code)
        if answer.status_code == 503:
            assert (stored(service, job_id), len(service.events)) == (before, logged)
            answer = act(service, job_id, name)
        assert answer.status_code == 200
        assert stored(service, job_id) != before
        assert len(service.events) == logged + 1
        at += 1
    # From the change on, every outage is survived.
    assert statuses == sorted(statuses, reverse=True)
    assert set(statuses) == {200, 503}


@of_every_change
@pytest.mark.parametrize("unread", [COUNTS, "FakeJobs.progress"])
def test_what_can_not_be_read_after_a_change_is_shown_as_far_as_it_is_known(
    name: str, make: Callable[[Service], str], unread: str, caplog: pytest.LogCaptureFixture
) -> None:
    service = Service()
    job_id = make(service)
    calls = struck(service).calls
    act(service, job_id, name)
    last = len(calls) - 1 - calls[::-1].index(unread)

    service = Service()
    job_id = make(service)
    struck(service, last)
    answer = act(service, job_id, name)
    assert answer.status_code == 200
    (record,) = caplog.records
    assert vars(record)["fields"]["request"] == f"POST {BACKFILLS}/<uuid:job_id>/{name}"
    told, shown = answer.get_json(), service.call("GET", f"{BACKFILLS}/{job_id}").get_json()
    for destination in told["destinations"]:
        state = destination.pop("state")
        assert state["chunks_done"] == told["progress"]["chunks_done"]
        assert state["rows_done"] == told["progress"]["rows_done"]
        assert state["last_error"] is None
    for destination in shown["destinations"]:
        assert destination.pop("state").keys() == state.keys()
    assert told == shown


def test_a_manifest_that_is_committed_meanwhile_counts_as_undelivered() -> None:
    service = Service()
    job_id = service.created()
    faults = struck(service)

    def unreadable(_job: Job) -> Counts:
        raise Unavailable("the job store")

    def change(*arguments: Any) -> Job:
        stage(service.jobs, job_id, chunks=5, rows=50)
        faults.instead[COUNTS] = unreadable
        return service.jobs.change(*arguments)

    faults.instead["FakeJobs.change"] = change
    job = act(service, job_id, "pause").get_json()
    assert (job["paused"], job["num_chunks"], job["chunks_left"]) == (True, 5, 5)
    assert job["progress"] == {"chunks_done": 0, "chunks_total": 5, "rows_done": 0, "rows_total": 50}


def test_a_job_of_another_release_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_jobs: FakeJobs, _organization_id: str, _job_id: str) -> Job:
        raise JobUnreadable(detail="KeyError('kinesis')")

    service = Service()
    job_id = service.created(backfill())
    monkeypatch.setattr(FakeJobs, "get", unreadable)
    for method, path in (("GET", ""), ("GET", "/receipt"), ("POST", "/cancel"), ("POST", "/retry")):
        answer = service.call(method, f"{BACKFILLS}/{job_id}{path}")
        assert answer.status_code == 503
        assert answer.get_json()["detail"].startswith("Another release of the service recorded this job")
        assert "kinesis" not in answer.get_data(as_text=True)
