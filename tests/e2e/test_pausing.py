"""A pause stops batches and transactions within seconds; resumed, the job continues where it stopped."""

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import kafka, wait_until, webhook
from tests.e2e.support.kafka import committed, messages
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Patient, Reply, Request
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

BATCHES_STOP = 5.0  # seconds after the pause
ROWS = 60_000


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "takes-a-break")


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    """Create a table of several chunks, with many webhook batches in each."""
    table, _ = warehouse.create_hashes("PAUSED", ROWS)
    return table


def act(organization: Organization, job_id: str, name: str) -> dict[str, Any]:
    answer = organization.client.call("POST", f"/{job_id}/{name}")
    assert answer.status == 200, answer
    job: dict[str, Any] = answer.body
    return job


def rows_of(requests: list[Request]) -> Counter[str]:
    """Return how often each row arrived, with batches deduplicated by id."""
    first = {request.headers["webhook-id"]: request.body for request in requests}
    return Counter(json.dumps(row) for body in first.values() for row in json.loads(body))


def test_a_paused_job_sends_nothing_and_resumed_all_of_it_once(
    organization: Organization, table: str
) -> None:
    with Patient(*[Reply(hang=0.2)] * 80, at_once=6) as receiver:
        destinations = [kafka("rests"), webhook("rests", receiver.url)]
        job_id = organization.client.create(table=table, destinations=destinations)
        wait_until(lambda: len(receiver.requests) > 5, "batches arrive")
        paused = act(organization, job_id, "pause")
        receiver.may_answer.set()
        assert (paused["status"], paused["paused"]) == ("transporting", True)
        wait_until(lambda: organization.flag(paused, "reconciled"), "its deliveries have ended")
        last_moment = datetime.fromisoformat(paused["time_paused"]).timestamp() + BATCHES_STOP
        quiet = len(receiver.requests)
        assert max(int(each.headers["webhook-timestamp"]) for each in receiver.requests) <= last_moment
        topic = organization.topic("rests")
        sent = messages(organization.stack.endpoints["kafka_bootstrap"], topic)
        assert max((message.timestamp()[1] / 1000 for message in sent), default=0.0) <= last_moment
        assert act(organization, job_id, "pause")["time_paused"] == paused["time_paused"]
        assert len(receiver.requests) == quiet
        assert act(organization, job_id, "resume")["paused"] is False
        job = organization.client.completed(job_id)
        assert job["progress"]["rows_done"] == ROWS
        found = rows_of(receiver.requests)
        assert (len(found), max(found.values())) == (ROWS, 1)
    arrived = Counter(value for _, value in committed(organization.stack.endpoints["kafka_bootstrap"], topic))
    assert (len(arrived), max(arrived.values())) == (ROWS, 1)


def test_an_unload_goes_on_while_its_job_is_paused(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    with warehouse.slow_unloads(6):
        job_id = organization.client.create(table=table, destinations=[kafka("unloads")])
        wait_until(lambda: warehouse.unloads(job_id), "the unload begins")
        act(organization, job_id, "pause")
        job = organization.client.wait_for(job_id, "transporting", seconds=180)
    assert (job["paused"], job["progress"]["chunks_done"]) == (True, 0)
    act(organization, job_id, "resume")
    organization.client.completed(job_id)
    assert len(warehouse.unloads(job_id)) == 1


def test_a_paused_job_is_cancelled_without_a_trace(organization: Organization, table: str) -> None:
    job_id = organization.client.create(table=table, destinations=[kafka("given-up")])
    act(organization, job_id, "pause")
    job = organization.client.cancel(job_id).body
    assert (job["status"], job["paused"]) == ("cancelled", False)
    wait_until(lambda: organization.is_torn_down(job), "the job's leftovers are removed")
    wait_until(lambda: organization.staged_files(job) == set(), "no staged file is left")
