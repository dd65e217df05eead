"""The limit of an organization's jobs in flight, tested with Firestore and the fake."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from google.cloud import firestore

from shared.adapters.firestore_limits import CACHE_SECONDS, Limits, recount, set_limit
from shared.domain import transitions
from shared.domain.errors import TooManyJobs, Unavailable
from shared.domain.idempotency import idempotency
from shared.domain.jobs import Job
from tests.contract.records import BOTH, Records, in_firestore, in_memory
from tests.fakes.examples import CREATED, RECORDS_KEPT, new_job

MOST = 3


@pytest.fixture
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> firestore.Client:
    """Return a client of a new project of the emulator."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("firestore_host"))
    return firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture(params=BOTH)
def records(request: pytest.FixtureRequest) -> Records:
    """Return a store that lets an organization have MOST jobs in flight."""
    if request.param == "memory":
        return in_memory(MOST)
    return in_firestore(request.getfixturevalue("client"), MOST)


def tried(call: Callable[[], object]) -> str:
    """Return the result as a client gets it."""
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
        partial(transitions.cancel, now=CREATED),
        partial(transitions.fail, message="why", now=CREATED, retry=0),
    ],
)
def test_a_job_that_has_ended_makes_room(records: Records, end: Callable[[Job], Job]) -> None:
    jobs = [records.created() for _ in range(MOST)]
    records.change(jobs[0], end)
    records.jobs.require_room("acme")
    records.created()


def test_a_job_in_transport_and_one_that_is_retried_take_a_place(records: Records) -> None:
    transporting, _ = records.transporting()
    failed = records.change(records.created(), partial(transitions.fail, message="why", now=CREATED, retry=0))
    records.created()
    records.jobs.require_room("acme")
    records.change(failed, partial(transitions.retry, now=CREATED, after=0))
    assert tried(records.created) == "too many"
    records.change(transporting, partial(transitions.cancel, now=CREATED))
    assert tried(records.created) == "created"


def test_a_job_that_was_taken_back_makes_room(records: Records) -> None:
    jobs = [new_job() for _ in range(MOST)]
    for job in jobs:
        records.jobs.create(job, [])
    assert records.jobs.remove_unconfirmed(jobs[0])
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
    records.change(jobs[0], partial(transitions.cancel, now=CREATED))
    assert records.jobs.create(refused, []) is None


@pytest.mark.parametrize("places_left", [1, MOST])
def test_of_requests_at_once_no_more_succeed_than_there_are_places(
    records: Records, places_left: int
) -> None:
    """Some may be refused because of one that is itself refused a moment later; a repeated request
    succeeds.
    """
    for _ in range(MOST - places_left):
        records.created()
    with ThreadPoolExecutor(12) as pool:
        heard = list(pool.map(lambda _: tried(lambda: records.jobs.create(new_job(), [])), range(24)))
    created = heard.count("created")
    assert created <= places_left
    left = places_left - created
    assert [tried(records.created) for _ in range(left + 1)] == ["created"] * left + ["too many"]
    assert len(list(records.jobs.active())) == MOST


@pytest.mark.emulator
def test_requests_at_once_within_the_limit_all_succeed(client: firestore.Client) -> None:
    records = in_firestore(client)
    with ThreadPoolExecutor(8) as pool:
        heard = set(pool.map(lambda _: tried(lambda: records.jobs.create(new_job(), [])), range(24)))
    assert heard == {"created"}


@pytest.mark.emulator
def test_a_job_over_the_limit_that_another_request_with_its_key_has_confirmed_stays(
    client: firestore.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = in_firestore(client, MOST)
    for _ in range(MOST):
        records.created()
    job, hold = new_job(idempotency=idempotency("march", "body")), Limits.hold

    def confirmed_meanwhile(limits: Limits, organization_id: str, in_flight: int | None) -> bool:
        assert records.jobs.create(replace(new_job(), idempotency=job.idempotency), []) == job.job_id
        records.jobs.confirm(job)
        return hold(limits, organization_id, in_flight)

    monkeypatch.setattr(Limits, "hold", confirmed_meanwhile)
    assert records.jobs.create(job, []) is None
    assert records.now(job).confirmed


@pytest.mark.emulator
def test_the_count_follows_every_change_exactly_once(client: firestore.Client) -> None:
    records = in_firestore(client)

    def counted() -> int:
        return int(client.document("organizations", "acme").get().get("in_flight"))

    transporting, _ = records.transporting()
    failing = records.created()
    records.jobs.create(failing, [])
    unconfirmed = new_job()
    records.jobs.create(unconfirmed, [])
    assert counted() == 3
    for _ in range(2):
        records.jobs.remove_unconfirmed(unconfirmed)
        records.change(failing, partial(transitions.fail, message="why", now=CREATED, retry=0))
        records.change(
            failing, partial(transitions.tear_down, retry=0, reconciled=True, records_kept=RECORDS_KEPT)
        )
    assert counted() == 1
    for _ in range(2):
        records.change(failing, partial(transitions.retry, now=CREATED, after=0))
    assert counted() == 2
    with ThreadPoolExecutor(4) as pool:
        cancel = partial(transitions.cancel, now=CREATED)
        list(pool.map(lambda job: records.change(job, cancel), [transporting, failing] * 4))
    assert counted() == 0


@pytest.mark.emulator
def test_a_count_that_is_wrong_is_counted_anew(client: firestore.Client) -> None:
    """For example after a partial restore of a backup."""
    records = in_firestore(client)
    records.created()
    records.change(records.created(), partial(transitions.cancel, now=CREATED))
    organization = client.document("organizations", "acme")
    organization.update({"in_flight": 40, "most_jobs_in_flight": 7})
    assert recount(client, "acme") == 1
    assert organization.get().to_dict() == {"in_flight": 1, "most_jobs_in_flight": 7}
    assert recount(client, "globex") == 0


@pytest.mark.emulator
def test_an_organization_may_have_a_limit_of_its_own(client: firestore.Client) -> None:
    records = in_firestore(client, MOST)
    set_limit(client, "acme", 1)
    assert [tried(records.created), tried(records.created)] == ["created", "too many"]
    # A refusal first reads the limit again, so a raised limit applies at once.
    set_limit(client, "acme", MOST + 1)
    assert [tried(records.created) for _ in range(MOST + 1)] == ["created"] * MOST + ["too many"]
    set_limit(client, "globex", 50)
    records.created(new_job(organization_id="globex"))
    set_limit(client, "globex", 1)
    records.clock.sleep(CACHE_SECONDS)
    assert tried(lambda: records.created(new_job(organization_id="globex"))) == "too many"
    set_limit(client, "acme", None)
    assert tried(lambda: records.jobs.require_room("acme")) == "too many"
    set_limit(client, "globex", 0)
    assert tried(lambda: records.jobs.require_room("globex")) == "too many"
