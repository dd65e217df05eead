"""Backfills into a topic of an external Kafka cluster, through the whole stack."""

from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse
from tests.fakes.external_kafka import ExternalTopic
from tests.fakes.kafka_readers import read_committed

pytestmark = pytest.mark.stack

ROWS = 3_000


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids."""
    return warehouse.create_hashes("TO_EXTERNAL_KAFKA", ROWS)


def theirs(stack: LocalStack, **changes: Any) -> dict[str, Any]:
    given = {**stack.endpoints["external_kafka"], "sasl_mechanism": "SCRAM-SHA-256"}
    return {"type": "external_kafka", "name": "theirs", **given} | changes


def test_every_row_arrives_once(stack: LocalStack, client: Client, table: tuple[str, list[str]]) -> None:
    name, ids = table
    client.completed(client.create(table=name, destinations=[theirs(stack)]))
    arrived = read_committed(stack.endpoints["kafka_bootstrap"], stack.endpoints["external_kafka"]["topic"])
    assert sorted(row["unique_id"] for row in arrived) == sorted(ids)


def test_a_topic_that_may_not_be_written_to_fails_the_job_and_stays(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    topic = ExternalTopic(stack)
    job_id = client.create(table=table[0], destinations=[theirs(stack, topic=topic.name)])
    job = client.wait_for(job_id, "failed")
    assert "does not allow this service to write to topic" in job["error_message"]
    assert topic.name in topic.admin.list_topics(timeout=30).topics
