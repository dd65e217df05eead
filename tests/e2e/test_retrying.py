"""A failed job is retried after a fix, and a create request is repeated: neither duplicates a row."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill, kafka, wait_until, webhook
from tests.e2e.support.kafka import messages
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watch import assert_each_arrived_once

pytestmark = pytest.mark.stack

ROWS = 3_000


@pytest.fixture(scope="module")
def hashes(hasty_warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table of several chunks; return its name and its rows' ids."""
    return hasty_warehouse.create_hashes("RETRIED", ROWS)


def test_a_receiver_that_refused_and_was_mended_gets_the_rest_and_kafka_nothing_twice(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse, hashes: tuple[str, list[str]]
) -> None:
    table, ids = hashes
    with Receiver(Reply(200), Reply(200), Reply(410)) as receiver:
        destinations = [kafka("mended"), webhook("mended", receiver.url)]
        job_id = hasty_client.create(table=table, destinations=destinations)
        failed = hasty_client.wait_for(job_id, "failed")
        assert failed["num_chunks"] > 2
        assert failed["destinations"][1]["state"]["status"] == "failed"
        assert "410" in failed["destinations"][1]["state"]["last_error"]
        again = hasty_client.call("POST", f"/{job_id}/retry")
        assert (again.status, again.body["status"]) == (200, "transporting")
        assert (again.body["error_message"], again.body["time_completed"]) == (None, None)
        assert again.body["destinations"][1]["state"]["last_error"] is None
        job = hasty_client.completed(job_id)
        assert job["chunks_left"] == 0
        assert_each_arrived_once(hasty_stack, "mended", receiver, job, ids)
    assert len(hasty_warehouse.unloads(job_id)) == 1
    assert hasty_client.call("POST", f"/{job_id}/retry").status == 409


def test_a_table_that_was_missing_is_staged_from_anew(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table = "base.assets.late"
    with Receiver() as receiver:
        destinations = [kafka("late"), webhook("late", receiver.url)]
        job_id = hasty_client.create(table=table, destinations=destinations)
        hasty_client.wait_for(job_id, "failed")
        _, ids = hasty_warehouse.create_hashes("LATE", 100)
        assert hasty_client.call("POST", f"/{job_id}/retry").body["status"] == "staging"
        job = hasty_client.completed(job_id)
        assert_each_arrived_once(hasty_stack, "late", receiver, job, ids)


def test_at_least_once_every_row_arrives_and_names_itself(
    hasty_stack: LocalStack, hasty_client: Client, hashes: tuple[str, list[str]]
) -> None:
    table, ids = hashes
    destination = {**kafka("labelled"), "delivery": "at_least_once"}
    job_id = hasty_client.create(table=table, destinations=[destination])
    job = hasty_client.completed(job_id)
    assert job["destinations"][0]["delivery"] == "at_least_once"
    topic = f"beam.{job['organization_id']}.labelled"
    found = messages(hasty_stack.endpoints["kafka_bootstrap"], topic)
    labels = {tuple(value for _, value in sorted(message.headers())): message.key() for message in found}
    assert {label[1] for label in labels} == {job_id.encode()}
    assert sorted(labels.values()) == sorted(each.encode() for each in ids)


def test_a_create_request_sent_again_with_its_key_is_one_job(
    hasty_client: Client, hashes: tuple[str, list[str]]
) -> None:
    body = backfill(hashes[0], [kafka("once")])
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: _create(hasty_client, "one-name", body), range(4)))
    assert {status for status, _ in answers} <= {201, 503}
    wait_until(lambda: _create(hasty_client, "one-name", body)[0] == 201, "the first request is settled")
    created = [
        answer for status, answer in [*answers, _create(hasty_client, "one-name", body)] if status == 201
    ]
    assert len({answer["job_id"] for answer in created}) == 1
    assert _create(hasty_client, "one-name", body | {"job_name": "Another"})[0] == 409
    assert _create(hasty_client, "two words", body)[0] == 422
    hasty_client.completed(created[0]["job_id"])


def _create(client: Client, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    headers = {
        "X-API-Key": client.api_key,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    url = f"{client.api_url}/api/v1/beam/backfills"
    answer = call("POST", url, body=json.dumps(body).encode(), headers=headers)
    content: dict[str, Any] = answer.json()
    return answer.status, content
