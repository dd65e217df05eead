"""Backfills into a NATS stream, through the whole stack."""

import asyncio
import json
from typing import Any

import nats
import pytest
from nats.aio.msg import Msg

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 3_000


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids."""
    return warehouse.create_hashes("TO_NATS", ROWS)


def bus(stack: LocalStack, **changes: Any) -> dict[str, Any]:
    endpoints = stack.endpoints
    given = {"servers": [endpoints["nats_url"]], "subject": endpoints["nats_subject"]}
    return {"type": "nats", "name": "bus", **given} | changes


def stored(stack: LocalStack) -> list[Msg]:
    """Return all messages of the stack's stream."""

    async def all_of() -> list[Msg]:
        client = await nats.connect(stack.endpoints["nats_url"])
        stream = client.jetstream()
        name = await stream.find_stream_name_by_subject(stack.endpoints["nats_subject"])
        count = (await stream.stream_info(name)).state.messages
        subscription = await stream.subscribe(stack.endpoints["nats_subject"], ordered_consumer=True)
        messages = [await subscription.next_msg(60) for _ in range(count)]
        await client.close()
        return messages

    return asyncio.run(all_of())


def test_every_row_is_a_message_with_its_names(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    job = client.completed(client.create(table=name, destinations=[bus(stack)]))
    rows: dict[tuple[str, str], str] = {}
    for message in stored(stack):
        headers = message.headers or {}
        assert headers["beam-job-id"] == job["job_id"]
        rows[headers["beam-chunk"], headers["beam-row"]] = json.loads(message.data)["unique_id"]
    assert sorted(rows.values()) == sorted(ids)


def test_a_subject_that_no_stream_holds_fails_the_job_by_its_name(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    job_id = client.create(table=table[0], destinations=[bus(stack, subject="nobody.rows")])
    job = client.wait_for(job_id, "failed")
    assert job["error_message"].startswith("No stream holds subject nobody.rows")


def test_an_estimate_names_a_subject_that_no_stream_holds(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, _ = table
    lost = bus(stack, name="lost", subject="nobodys.rows")
    answer = client.call("POST", "/estimate", backfill(table=name, destinations=[bus(stack), lost]))
    assert (answer.status, answer.body["rows"]) == (200, ROWS)
    (warning,) = answer.body["warnings"]
    assert warning.startswith("Rows could not be sent to nats lost: No stream holds subject nobodys.rows")
