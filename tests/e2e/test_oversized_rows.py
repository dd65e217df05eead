"""Topics with small limits, and rows larger than a destination accepts."""

import json
import random
import string
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import kafka, webhook
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import NarrowReceiver, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

LARGE = 1_100_000  # bytes, more than Kafka's default limit of a topic
SMALL = 400  # rows


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "writes-much")


def fill(warehouse: Warehouse, name: str, sizes: list[int]) -> str:
    """Create a table with one row of each size, of incompressible text."""
    chance = random.Random(1)  # noqa: S311 - no secret
    table = warehouse.create(name, "UNIQUE_ID VARCHAR, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), TEXT VARCHAR")
    texts = ["".join(chance.choices(string.ascii_letters, k=size)) for size in sizes]
    ids = [f"row-{number}" for number in range(len(sizes))]
    moments = ["2026-03-01T00:00:00"] * len(sizes)
    columns = {"unique_id": ids, "block_timestamp": pa.array(moments).cast(pa.timestamp("ns")), "text": texts}
    warehouse.load(table, pa.table(columns))
    return table


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    return fill(warehouse, "ONE_LARGE_ROW", [*[100] * SMALL, LARGE])


def test_a_topic_of_small_batches_takes_rows_that_fit(
    organization: Organization, warehouse: Warehouse
) -> None:
    topic = organization.topic("narrow")
    admin = AdminClient({"bootstrap.servers": organization.stack.endpoints["kafka_bootstrap"]})
    new = NewTopic(topic, num_partitions=2, config={"max.message.bytes": "5000"})
    admin.create_topics([new])[topic].result(60)
    table = fill(warehouse, "KILOBYTES", [1_000] * SMALL)
    organization.client.completed(organization.client.create(table=table, destinations=[kafka("narrow")]))
    assert len({row["unique_id"] for row in organization.rows("narrow")}) == SMALL


def test_a_row_that_is_too_large_fails_the_job_by_its_name(organization: Organization, table: str) -> None:
    client = organization.client
    job = client.wait_for(client.create(table=table, destinations=[kafka("strict")]), "failed")
    for part in (f"(key row-{SMALL})", "1,100,", "1,048,588 bytes", "max.message.bytes", "oversized_rows"):
        assert part in job["error_message"], job["error_message"]


def test_a_row_that_is_too_large_can_be_left_out(organization: Organization, table: str) -> None:
    job = completed_but_for_large_rows(organization, table, kafka("lenient"))
    assert job["progress"]["rows_done"] == SMALL + 1
    assert {row["unique_id"] for row in organization.rows("lenient")} == {
        f"row-{number}" for number in range(SMALL)
    }


def test_a_receiver_of_small_requests_gets_all_rows_that_fit(organization: Organization, table: str) -> None:
    with NarrowReceiver(10_000) as receiver:
        completed_but_for_large_rows(organization, table, webhook("narrow", receiver.url))
    rows = [row["unique_id"] for row in rows_once(receiver.taken())]
    assert sorted(rows) == sorted(f"row-{number}" for number in range(SMALL))


def test_a_row_that_is_too_large_for_a_receiver_fails_the_job_by_its_name(
    organization: Organization, table: str
) -> None:
    with NarrowReceiver(10_000) as receiver:
        client = organization.client
        job = client.wait_for(
            client.create(table=table, destinations=[webhook("strict", receiver.url)]), "failed"
        )
    for part in (f"(key row-{SMALL})", "1,100,", "webhook strict", "413", "oversized_rows"):
        assert part in job["error_message"], job["error_message"]


def completed_but_for_large_rows(
    organization: Organization, table: str, destination: dict[str, Any]
) -> dict[str, Any]:
    client = organization.client
    body = {
        "job_name": "All but one",
        "table": table,
        "backfill_window": {
            "partition_key": "block_timestamp",
            "start": "2026-03-01T00:00:00",
            "end": "2026-03-02T00:00:00",
        },
        "destinations": [destination],
        "oversized_rows": "skip",
    }
    answer = client.post(body)
    assert answer.status == 201, json.dumps(answer.body)
    job: dict[str, Any] = client.completed(answer.body["job_id"])
    assert job["oversized_rows"] == "skip"
    return job
