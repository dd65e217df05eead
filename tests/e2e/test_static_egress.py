"""A job with a fixed address has its chunks delivered from their own topic, and no other's."""

import json

import pytest

from infra.local.names import STATIC_CHUNKS_TOPIC
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill, wait_until, webhook
from tests.e2e.support.queue import CHUNKS, Listener, Queue
from tests.e2e.support.receiver import Receiver, Reply, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack


def about(job_id: str, listener: Listener) -> list[bytes]:
    """Return the job's messages heard so far."""
    return [message for message in listener.heard() if job_id.encode() in message]


def test_its_chunks_go_by_their_own_topic_from_the_first_message_to_the_retrys(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table, ids = hasty_warehouse.create_hashes("FIXED_ADDRESS", 3_000)
    queue = Queue(hasty_stack.endpoints)
    fixed, usual = queue.listen(STATIC_CHUNKS_TOPIC), queue.listen(CHUNKS)
    with Receiver(Reply(), Reply(410)) as receiver:
        body = backfill(table, [webhook("fixed", receiver.url)]) | {"static_egress_ip": True}
        job_id = hasty_client.post(body).body["job_id"]
        hasty_client.wait_for(job_id, "failed")
        assert hasty_client.call("POST", f"/{job_id}/retry").status == 200
        job = hasty_client.completed(job_id)
        assert job["static_egress_ip"] is True
        assert sorted(row["unique_id"] for row in rows_once(receiver.requests)) == sorted(ids)
        # Messages on the wrong topic would have arrived before this later job's.
        other_id = hasty_client.create(table=table, destinations=[webhook("usual", receiver.url)])
        hasty_client.completed(other_id)

    def chunks_of(retry: int) -> set[int]:
        messages = [json.loads(message) for message in fixed.heard()]
        return {message["chunk"] for message in messages if message["retry"] == retry}

    chunks = set(range(job["num_chunks"]))
    wait_until(lambda: chunks_of(0) == chunks, "every chunk's first message")
    wait_until(lambda: chunks_of(1), "a message of the retry")
    wait_until(lambda: about(other_id, usual), "the usual job's messages")
    assert {json.loads(message)["job_id"] for message in fixed.heard()} == {job_id}
    assert {json.loads(message)["retry"] for message in fixed.heard()} == {0, 1}
    assert about(job_id, usual) == []
