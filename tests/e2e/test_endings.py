"""A job that can never succeed fails at once, with a reason its reader can act on and no internals."""

import secrets
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, kafka, webhook
from tests.e2e.support.kafka import create_topic
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver, Reply, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

# Far less than any limit: redeliveries alone would take minutes.
AT_ONCE = 45.0
TIMED = "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9)"


@pytest.fixture(scope="module")
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "hapless")


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    """Create a table of one row."""
    table = warehouse.create("LONELY", f"{TIMED}, NAME VARCHAR")
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s", [("2026-03-10T00:00:00", "only")])
    return table


def failure(organization: Organization, **fields: Any) -> str:
    """Return the client's error message of the failed backfill."""
    client = organization.client
    job = client.wait_for(client.create(**fields), "failed", seconds=AT_ONCE)
    message = job["error_message"]
    assert job["time_completed"] is not None
    assert isinstance(message, str)
    assert_fit_to_show(message, organization.stack)
    return message


def assert_fit_to_show(message: str, stack: LocalStack) -> None:
    """Check that the message is a sentence for people: no host, path, SQL or library text."""
    hosts = [f":{port}" for port in stack.layout.ports.values()]
    ours = [stack.endpoints["bucket"], stack.endpoints["snowflake_stage"], stack.endpoints["project_id"]]
    inner = ["127.0.0.1", "localhost", "://", "/", "SELECT", "COPY", '"', "Error(", "Traceback", "None"]
    assert [word for word in (*hosts, *ours, *inner) if word in message] == []
    assert message[0].isupper()
    assert len(message) > 30


def test_a_missing_table(organization: Organization) -> None:
    message = failure(organization, table="base.assets.nowhere", destinations=[kafka("missing-table")])
    assert "base.assets.nowhere does not exist in Snowflake" in message
    assert "Check the name" in message


def test_a_missing_column_in_the_filter(organization: Organization, table: str) -> None:
    destinations = [kafka("missing-column")]
    message = failure(organization, table=table, destinations=destinations, column="colour", values=["red"])
    assert message == "The table has no column colour for the filter; its columns are block_timestamp, name"


def test_a_table_without_the_windows_column(organization: Organization, warehouse: Warehouse) -> None:
    table = warehouse.create("TIMELESS", "NAME VARCHAR")
    message = failure(organization, table=table, destinations=[kafka("timeless")])
    assert message == "The table has no column block_timestamp for the window; its columns are name"


def test_a_filter_of_the_wrong_type(organization: Organization, table: str) -> None:
    destinations = [kafka("wrong-type")]
    message = failure(organization, table=table, destinations=destinations, column="name", values=[1])
    assert message == "The filter's column name has strings, and 1 is not one of them"


def test_a_query_that_fails_for_good(organization: Organization, warehouse: Warehouse, table: str) -> None:
    warehouse.fail_unloads(100038, "22018", "Numeric value 'hunter2' is not recognized")
    message = failure(organization, table=table, destinations=[kafka("failing-query")])
    assert "100038" in message
    assert "Ask the operator" in message
    assert "hunter2" not in message


def test_a_query_that_fails_for_a_passing_reason_is_run_again(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    client = organization.client
    warehouse.fail_unloads(300010, "XX000", "internal error")
    job_id = client.create(table=table, destinations=[kafka("passing-reason")])
    client.completed(job_id)
    assert [query["status"] for query in warehouse.unloads(job_id)] == ["FAILED_WITH_ERROR", "SUCCESS"]
    assert [row["name"] for row in organization.rows("passing-reason")] == ["only"]


def test_a_query_that_keeps_failing_for_passing_reasons(
    organization: Organization, warehouse: Warehouse, table: str
) -> None:
    warehouse.fail_unloads(300010, "XX000", "internal error", times=3)
    message = failure(organization, table=table, destinations=[kafka("keeps-failing")])
    assert message == "Snowflake could not export the slice in 3 attempts; try again later"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(410), "answered 410: it will not accept these rows"),
        (Reply(404), "answered 404: it will not accept these rows"),
        (
            Reply(307, {"Location": "http://127.0.0.1:9/elsewhere"}),
            "answered 307: redirects are not followed",
        ),
    ],
    ids=["gone", "not found", "redirect"],
)
def test_a_receiver_that_refuses_is_asked_once(
    organization: Organization, table: str, reply: Reply, reason: str
) -> None:
    with Receiver(reply) as receiver:
        message = failure(organization, table=table, destinations=[webhook("refusing", receiver.url)])
    assert message.startswith("The receiver of webhook refusing ")
    assert reason in message
    assert len(receiver.requests) == 1


def test_a_secret_that_the_organization_has_not(organization: Organization, table: str) -> None:
    """WEBHOOK_KEY belongs to another organization."""
    with Receiver() as receiver:
        destinations = [webhook("unsigned", receiver.url, "WEBHOOK_KEY")]
        message = failure(organization, table=table, destinations=destinations)
    assert "Your organization has no secret named WEBHOOK_KEY" in message
    assert receiver.requests == []


def test_a_topic_that_the_broker_refuses(organization: Organization, table: str) -> None:
    """In Kafka's metric names, a dot and an underscore are the same."""
    create_topic(organization.stack.endpoints["kafka_bootstrap"], organization.topic("odd_name"))
    message = failure(organization, table=table, destinations=[kafka("odd.name")])
    assert organization.topic("odd.name") in message
    assert "another name" in message


def test_a_topic_that_takes_no_row_so_large(organization: Organization, warehouse: Warehouse) -> None:
    bootstrap = organization.stack.endpoints["kafka_bootstrap"]
    create_topic(bootstrap, organization.topic("narrow"), max_message_bytes="2000")
    table = warehouse.create("WIDE", f"{TIMED}, NAME VARCHAR")
    incompressible = secrets.token_hex(4000)
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s", [("2026-03-10T00:00:00", incompressible)])
    message = failure(organization, table=table, destinations=[kafka("narrow")])
    assert "Row 0 of chunk 0 has" in message
    assert "max.message.bytes) takes: 2,000 bytes" in message
    assert organization.topic("narrow") in message


def test_a_receiver_that_fails_for_a_while_gets_the_same_batch_again(client: Client, table: str) -> None:
    """It fails more often than one delivery tries, so that the message is redelivered too."""
    with Receiver(*[Reply(500)] * 6) as receiver:
        job_id = client.create(table=table, destinations=[webhook("moody", receiver.url)])
        job = client.completed(job_id)
    assert len(receiver.requests) == 7
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len({request.headers["X-Webhook-Nonce"] for request in receiver.requests}) == 7
    assert [row["name"] for row in rows_once(receiver.requests)] == ["only"]
    assert job["destinations"][0]["state"]["status"] == "done"
