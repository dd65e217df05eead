"""How many of an organization's jobs may be in flight, held against Firestore and the fake alike."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from google.cloud import firestore

from shared import jobs as domain
from shared.adapters.firestore_limits import set_limit
from shared.errors import TooManyJobs, Unavailable
from shared.idempotency import idempotency
from tests.contract.records import BOTH, Records, in_firestore, in_memory
from tests.fakes.examples import CREATED, new_job

MOST = 3


@pytest.fixture
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> firestore.Client:
    """Of a project of its own in the emulator."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("firestore_host"))
    return firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture(params=BOTH)
def records(request: pytest.FixtureRequest) -> Records:
    """A store that lets an organization have MOST jobs in flight."""
    if request.param == "memory":
        return in_memory(MOST)
    return in_firestore(request.getfixturevalue("client"), MOST)


def tried(call: Callable[[], object]) -> str:
    """What a client would hear."""
    try:
        call()
    except TooManyJobs:
        return "too many"
    except Unavailable:
        return "again"
    return "created"


def test_one_more_than_the_limit_is_refused_and_nothing_recorded(records: Records) -> None:
    for _ in range(MOST):
        records.created()
    refused = new_job()
    with pytest.raises(TooManyJobs):
        records.jobs.create(refused, [])
    assert records.jobs.get("acme", refused.job_id) is None
    with pytest.raises(TooManyJobs):
        records.jobs.require_room("acme")


@pytest.mark.parametrize(
    "end",
    [
        partial(domain.cancel, now=CREATED),
        partial(domain.fail, message="why", now=CREATED, retry=0),
    ],
)
def test_a_job_that_has_ended_makes_room(records: Records, end: Callable[[domain.Job], domain.Job]) -> None:
    jobs = [records.created() for _ in range(MOST)]
    records.change(jobs[0], end)
    records.jobs.require_room("acme")
    records.created()


def test_a_job_in_transport_and_one_that_is_retried_take_a_place(records: Records) -> None:
    transporting, _ = records.transporting()
    failed = records.change(records.created(), partial(domain.fail, message="why", now=CREATED, retry=0))
    records.created()
    records.jobs.require_room("acme")
    records.change(failed, partial(domain.retry, now=CREATED, after=0))
    assert tried(records.created) == "too many"
    records.change(transporting, partial(domain.cancel, now=CREATED))
    assert tried(records.created) == "created"


def test_a_job_that_was_taken_back_makes_room(records: Records) -> None:
    jobs = [new_job() for _ in range(MOST)]
    for job in jobs:
        records.jobs.create(job, [])
    assert records.jobs.remove_unclaimed(jobs[0])
    records.created()


def test_another_organizations_jobs_take_none_of_its_places(records: Records) -> None:
    for _ in range(MOST):
        records.created()
    records.created(new_job(organization_id="globex"))
    records.jobs.require_room("globex")


def test_a_request_that_is_repeated_at_the_limit_has_its_job(records: Records) -> None:
    first = new_job(idempotency=idempotency("march", "body"))
    records.created(first)
    while tried(records.created) == "created":
        pass
    again = replace(new_job(), idempotency=first.idempotency)
    assert records.jobs.create(again, []) == first.job_id


def test_a_request_that_was_refused_leaves_its_key_free(records: Records) -> None:
    jobs = [records.created() for _ in range(MOST)]
    refused = new_job(idempotency=idempotency("march", "body"))
    with pytest.raises(TooManyJobs):
        records.jobs.create(refused, [])
    records.change(jobs[0], partial(domain.cancel, now=CREATED))
    assert records.jobs.create(refused, []) is None


@pytest.mark.parametrize("places_left", [1, MOST])
def test_of_requests_at_once_no_more_succeed_than_there_are_places(
    records: Records, places_left: int
) -> None:
    for _ in range(MOST - places_left):
        records.created()
    with ThreadPoolExecutor(12) as pool:
        heard = list(pool.map(lambda _: tried(lambda: records.jobs.create(new_job(), [])), range(24)))
    assert heard.count("created") == places_left
    assert heard.count("too many") == 24 - places_left


@pytest.mark.emulator
def test_requests_at_once_within_the_limit_all_succeed(client: firestore.Client) -> None:
    records = in_firestore(client)
    with ThreadPoolExecutor(8) as pool:
        heard = set(pool.map(lambda _: tried(lambda: records.jobs.create(new_job(), [])), range(24)))
    assert heard == {"created"}


@pytest.mark.emulator
def test_an_organization_may_have_a_limit_of_its_own(client: firestore.Client) -> None:
    records = in_firestore(client, MOST)
    set_limit(client, "acme", 1)
    assert [tried(records.created), tried(records.created)] == ["created", "too many"]
    set_limit(client, "acme", MOST + 1)
    assert [tried(records.created) for _ in range(MOST + 1)] == ["created"] * MOST + ["too many"]
    set_limit(client, "acme", None)
    assert tried(lambda: records.jobs.require_room("acme")) == "too many"
    set_limit(client, "globex", 0)
    assert tried(lambda: records.jobs.require_room("globex")) == "too many"
