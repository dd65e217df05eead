"""The audit record: who created, cancelled or retried what. It omits requests that changed nothing."""

import pytest

from shared.domain.events import Event, JobCancelled, JobCreated, JobRetried
from shared.domain.jobs import JobStatus
from shared.domain.traces import Trace, parse
from shared.web.routes import BACKFILLS
from tests.fakes.staged import finish
from tests.fakes.web import KEY, OTHER_KEY, Service, backfill

TRACE = Trace("a" * 32, "b" * 16, sampled=True)


@pytest.fixture
def service() -> Service:
    return Service()


def recorded(kind: type[JobCreated | JobCancelled | JobRetried], job_id: str, key: str = KEY) -> Event:
    """Return the entry of a job that the key's owner created, cancelled or retried."""
    organization_id, key_id = {KEY: ("org123", "key-1"), OTHER_KEY: ("another", "key-2")}[key]
    return kind(organization_id=organization_id, job_id=job_id, key_id=key_id)


def test_it_says_who_created_a_job(service: Service) -> None:
    job_id, other = service.created(), service.created(key=OTHER_KEY)
    assert service.events == [recorded(JobCreated, job_id), recorded(JobCreated, other, OTHER_KEY)]


def test_a_repeated_request_created_nothing(service: Service) -> None:
    headers = {"Idempotency-Key": "march"}
    for _ in range(2):
        service.call("POST", BACKFILLS, json=backfill(), headers=headers)
    assert len(service.events) == 1


def test_a_refused_request_created_nothing(service: Service) -> None:
    service.create({})
    service.create(backfill(), "unknown")
    service.queue.down = True
    service.create(backfill())
    assert service.events == []


def test_it_says_who_cancelled_a_job_once(service: Service) -> None:
    job_id = service.created()
    for _ in range(2):
        service.call("POST", f"{BACKFILLS}/{job_id}/cancel")
    service.call("POST", f"{BACKFILLS}/{job_id}/cancel", OTHER_KEY)
    assert service.events[1:] == [recorded(JobCancelled, job_id)]


def test_it_says_who_retried_a_job(service: Service) -> None:
    job_id = service.created()
    service.call("POST", f"{BACKFILLS}/{job_id}/retry")
    finish(service.jobs, job_id, JobStatus.FAILED)
    service.call("POST", f"{BACKFILLS}/{job_id}/retry")
    assert service.events[1:] == [recorded(JobRetried, job_id)]


def test_a_job_keeps_the_trace_of_the_request_that_created_it(service: Service) -> None:
    service.call("POST", BACKFILLS, json=backfill(), headers={"traceparent": str(TRACE)})
    service.created()
    with_callers, own = (parse(stored.job.trace) for stored in service.jobs.stored.values())
    assert with_callers is not None
    assert own is not None
    assert with_callers.trace_id == TRACE.trace_id
    assert with_callers.span_id != TRACE.span_id
    assert own.trace_id != TRACE.trace_id


@pytest.mark.parametrize("traceparent", ["nonsense", "00-" + "0" * 32 + "-" + "b" * 16 + "-01", "\xff"])
def test_a_hostile_trace_is_none(service: Service, traceparent: str) -> None:
    answer = service.call("POST", BACKFILLS, json=backfill(), headers={"traceparent": traceparent})
    assert answer.status_code == 201
