"""Backfills into a Pub/Sub topic, through the whole stack."""

import base64
import json
import time
from typing import Any

import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 3_000
SECONDS = 60.0


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids.

    It has few groups, because the emulator keeps a busy thread for each ordering key that it ever saw.
    """
    name, ids = warehouse.create_hashes("TO_TOPICS", ROWS)
    warehouse.run(
        f"ALTER TABLE {name} ADD COLUMN GROUP_ID VARCHAR",
        f"UPDATE {name} SET GROUP_ID = SUBSTR(UNIQUE_ID, 1, 1)",
    )
    return name, ids


def pulled(stack: LocalStack, count: int) -> list[dict[str, Any]]:
    """Pull this many messages from the exports' subscription, or those that arrive in time."""
    subscription = stack.endpoints["exports_topic"].replace("/topics/", "/subscriptions/")
    url = f"http://{stack.endpoints['pubsub_host']}/v1/{subscription}"
    found: list[dict[str, Any]] = []
    until = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < until:
        answer = call("POST", f"{url}:pull", json={"maxMessages": 1_000}, timeout=30.0).json()
        received = answer.get("receivedMessages", [])
        if received:
            ids = [one["ackId"] for one in received]
            call("POST", f"{url}:acknowledge", json={"ackIds": ids}, timeout=30.0)
        found += [one["message"] for one in received]
    return found


def test_every_row_is_a_message_with_its_names(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    destination = {
        "type": "pubsub",
        "name": "events",
        "topic": stack.endpoints["exports_topic"],
        "ordering_key_column": "group_id",
    }
    job = client.completed(client.create(table=name, destinations=[destination]))
    messages = pulled(stack, ROWS)
    rows = {
        (message["attributes"]["beam-chunk"], message["attributes"]["beam-row"]): json.loads(
            base64.b64decode(message["data"])
        )
        for message in messages
    }
    assert {message["attributes"]["beam-job-id"] for message in messages} == {job["job_id"]}
    assert sorted(row["unique_id"] for row in rows.values()) == sorted(ids)
    assert all(
        message["orderingKey"] == json.loads(base64.b64decode(message["data"]))["group_id"]
        for message in messages
    )


def test_a_topic_that_is_not_there_fails_the_job_by_its_name(
    client: Client, table: tuple[str, list[str]]
) -> None:
    topic = "projects/local-backfills/topics/nowhere"
    destination = {"type": "pubsub", "name": "nowhere", "topic": topic}
    job = client.wait_for(client.create(table=table[0], destinations=[destination]), "failed")
    assert job["error_message"] == f"There is no topic {topic}"


def test_an_ordering_key_that_the_table_lacks_fails_the_job_by_its_name(
    client: Client, stack: LocalStack, table: tuple[str, list[str]]
) -> None:
    topic = stack.endpoints["exports_topic"]
    destination = {"type": "pubsub", "name": "keyed", "topic": topic, "ordering_key_column": "colour"}
    job = client.wait_for(client.create(table=table[0], destinations=[destination]), "failed")
    assert job["error_message"].startswith("The table has no column colour for the keys of pubsub keyed")
