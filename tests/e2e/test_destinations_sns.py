"""Backfills into an SNS topic, through the whole stack."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.resources import amazon
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 200
SECONDS = 120.0


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids."""
    return warehouse.create_hashes("TO_SNS", ROWS)


def events(stack: LocalStack, **changes: str) -> dict[str, str]:
    aws = stack.endpoints["aws"]
    given = {"topic_arn": aws["topic_arn"], "credentials": aws["credentials"], "endpoint_url": aws["url"]}
    return {"type": "sns", "name": "events", **given} | changes


def received(stack: LocalStack, count: int) -> list[Mapping[str, Any]]:
    """Receive this many messages from the topic's queue, or those that arrive in time."""
    aws = stack.endpoints["aws"]
    sqs = amazon(aws["url"], "sqs")
    found: list[Mapping[str, Any]] = []
    until = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < until:
        answer = sqs.receive_message(
            QueueUrl=aws["queue_url"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            found.append(message)
            sqs.delete_message(QueueUrl=aws["queue_url"], ReceiptHandle=message["ReceiptHandle"])
    return found


def test_every_row_is_a_message_with_its_names(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    job = client.completed(client.create(table=name, destinations=[events(stack)]))
    rows: dict[tuple[str, str], str] = {}
    for message in received(stack, ROWS):
        told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        assert told["beam-job-id"] == job["job_id"]
        rows[told["beam-chunk"], told["beam-row"]] = json.loads(message["Body"])["unique_id"]
    assert sorted(rows.values()) == sorted(ids)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topic_arn": "arn:aws:sns:eu-west-1:123456789012:nowhere"}, "There is no topic arn:aws:sns"),
        ({"credentials": "NONE"}, "Your organization has no secret named NONE"),
        ({"credentials": "WEBHOOK_KEY"}, "The secret WEBHOOK_KEY must be a JSON object of"),
    ],
)
def test_what_is_wrong_fails_the_job_by_its_name(
    stack: LocalStack, client: Client, table: tuple[str, list[str]], changes: dict[str, str], words: str
) -> None:
    job_id = client.create(table=table[0], destinations=[events(stack, **changes)])
    job = client.wait_for(job_id, "failed")
    assert job["error_message"].startswith(words)
