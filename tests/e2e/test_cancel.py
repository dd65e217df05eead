"""Cancel works in every phase, stops all work, and removes everything that only the job needed."""

from datetime import datetime
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import kafka, wait_until, webhook
from tests.e2e.support.kafka import messages, topics
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

QUERY_STOPS, BATCHES_STOP = 10.0, 5.0  # seconds after cancel
NOTHING = ("2020-01-01T00:00:00", "2020-01-02T00:00:00")


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "changes-its-mind")


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    """Create a table of several chunks, with many webhook batches in each."""
    table, _ = warehouse.create_hashes("CANCELLED", 200_000)
    return table


def known_topics(organization: Organization) -> set[str]:
    """Return the organization's topics."""
    found = topics(organization.stack.endpoints["kafka_bootstrap"])
    return {topic for topic in found if topic.startswith(organization.topic(""))}


def wait_for_topics(organization: Organization, *destinations: str) -> None:
    """Wait until the broker has exactly these topics of the organization."""
    expected = {organization.topic(destination) for destination in destinations}
    wait_until(lambda: known_topics(organization) == expected, f"its topics are {expected}")


def cancel(organization: Organization, job_id: str) -> dict[str, Any]:
    answer = organization.client.cancel(job_id)
    assert answer.status == 200, answer
    job: dict[str, Any] = answer.body
    assert job["status"] == "cancelled"
    assert job["time_completed"] is not None
    return job


def assert_cleared(organization: Organization, job: dict[str, Any]) -> None:
    """Check that the cancelled job is torn down without a staged file, and stays cancelled."""
    wait_until(lambda: organization.is_torn_down(job), "the job's leftovers are removed")
    # Staging that was running removes files that it wrote after the teardown's check.
    wait_until(lambda: organization.staged_files(job) == set(), "no staged file is left")
    now = organization.client.get(job["job_id"])
    ended = ("status", "time_completed", "num_chunks", "error_message")
    assert [now[name] for name in ended] == [job[name] for name in ended]


def test_cancel_during_an_unload_stops_the_query_and_removes_files_and_topic(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    with warehouse.slow_unloads(60):
        job_id = organization.client.create(table=table, destinations=[kafka("during-unload")])
        staging = organization.client.get(job_id)
        wait_until(lambda: organization.staged_files(staging), "the unload writes files")
        wait_for_topics(organization, "during-unload")
        assert [query["status"] for query in warehouse.unloads(job_id)] == ["RUNNING"]
        job = cancel(organization, job_id)
        wait_until(
            lambda: warehouse.unloads(job_id)[0]["status"] != "RUNNING", "the query stops", QUERY_STOPS
        )
    assert_cleared(organization, job)
    wait_for_topics(organization)
    (query,) = warehouse.unloads(job_id)
    assert query["error"]["errno"] == 604


def test_a_topic_that_another_job_ever_named_stays(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    client = organization.client
    with warehouse.slow_unloads(60):
        job_id = client.create(table=table, destinations=[kafka("named-twice"), kafka("named-once")])
        wait_until(lambda: warehouse.unloads(job_id), "the unload begins")
        other = client.create(table=table, destinations=[kafka("named-twice")], window=NOTHING)
        assert_cleared(organization, cancel(organization, job_id))
        assert_cleared(organization, cancel(organization, other))
    wait_for_topics(organization, "named-twice")


def test_cancel_during_delivery_stops_new_batches(organization: Organization, table: str) -> None:
    client = organization.client
    client.completed(client.create(table=table, destinations=[kafka("stays")], window=NOTHING))
    with Receiver(*[Reply(hang=0.3)] * 5_000) as receiver:
        destinations = [kafka("goes"), webhook("slow", receiver.url), kafka("stays")]
        job_id = client.create(table=table, destinations=destinations)
        wait_until(lambda: len(receiver.requests) > 10, "batches arrive")
        job = cancel(organization, job_id)
        assert job["chunks_left"] > 0
        assert_cleared(organization, job)
    last_moment = datetime.fromisoformat(job["time_completed"]).timestamp() + BATCHES_STOP
    assert max(int(request.headers["webhook-timestamp"]) for request in receiver.requests) <= last_moment
    wait_for_topics(organization, "stays")
    sent = messages(organization.stack.endpoints["kafka_bootstrap"], organization.topic("stays"))
    assert max((message.timestamp()[1] / 1000 for message in sent), default=0.0) <= last_moment


def test_cancel_right_after_create_leaves_nothing(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    def runs(job: dict[str, Any]) -> bool:
        return any(query["status"] == "RUNNING" for query in warehouse.unloads(job["job_id"]))

    jobs = []
    with warehouse.slow_unloads(60):  # otherwise the query runs far longer than QUERY_STOPS
        for number in range(8):
            job_id = organization.client.create(table=table, destinations=[kafka(f"regretted-{number}")])
            jobs.append(cancel(organization, job_id))
        for job in jobs:
            assert_cleared(organization, job)
            wait_until(lambda job=job: not runs(job), "its query stops", QUERY_STOPS)  # type: ignore[misc]  # its type is no secret
    # Staging that was running removes topics that it created after the teardown's check.
    wait_for_topics(organization)


def test_a_cancelled_job_may_be_cancelled_again(organization: Organization, table: str) -> None:
    job_id = organization.client.create(table=table, destinations=[kafka("twice")])
    first = cancel(organization, job_id)
    assert_cleared(organization, first)
    assert cancel(organization, job_id) == first


@pytest.mark.parametrize(
    ("name", "status"), [("cancelled", "completed"), ("nowhere", "failed")], ids=["completed", "failed"]
)
def test_a_job_that_ended_otherwise_can_not_be_cancelled(
    organization: Organization, table: str, name: str, status: str
) -> None:
    client = organization.client
    job_id = client.create(
        table=table.replace("cancelled", name), destinations=[kafka("too-late")], window=NOTHING
    )
    client.wait_for(job_id, status)
    answer = client.cancel(job_id)
    assert answer.status == 409
    assert status in answer.body["detail"]
    assert client.get(job_id)["status"] == status
