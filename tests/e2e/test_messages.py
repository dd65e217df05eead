"""Pub/Sub may deliver a message twice, and others may publish: neither changes what arrives."""

import json

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, kafka, wait_until, webhook
from tests.e2e.support.logs import entries, handled
from tests.e2e.support.queue import CHUNKS, DEAD_LETTER, STAGE, Queue
from tests.e2e.support.receiver import Receiver
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watch import Watch, assert_each_arrived_once

pytestmark = pytest.mark.stack

FUNCTIONS = {STAGE: "stage", CHUNKS: "deliver", DEAD_LETTER: "dead_letter"}
# Not our format, on any topic.
GARBAGE = [
    b"",
    b"\x00\xff\xfe",
    b"not JSON",
    b"null",
    b"[]",
    b'"stage"',
    b"{}",
    b'{"kind": "stage"}',
    b'{"kind": ["deliver"]}',
    b'{"kind": "unknown", "organization_id": "acme"}',
    b'{"kind": "stage", "organization_id": "acme", "job_id": 1, "retry": "0"}',
    b'{"kind": "tear_down", "organization_id": "acme", "job_id": "x", "and": "more"}',
    b'{"kind": "tear_down", "organization_id": "acme", "job_id": "../../globex"}',
    b'{"kind": "tear_down", "organization_id": "__reserved__", "job_id": "x"}',
    b'{"kind": "stage", "organization_id": "a\\u0000b", "job_id": "\\ud800", "retry": 0}',
    b"[" * 100_000,
    b"x" * 1_000_000,
]
_UNKNOWN = {"organization_id": "acme", "job_id": "00000000-0000-4000-8000-000000000000"}
# Our format, about a job that does not exist.
STRANGERS = [
    {"kind": "stage", **_UNKNOWN, "retry": 0},
    {"kind": "tear_down", **_UNKNOWN},
    {"kind": "deliver", **_UNKNOWN, "attempt_id": "x", "retry": 10**30, "chunk": -1},
]


def test_messages_that_come_again_change_nothing(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table, ids = hasty_warehouse.create_hashes("REPEATED_MESSAGES", 6_000)
    queue = Queue(hasty_stack.endpoints)
    staging, chunks = queue.listen(STAGE), queue.listen(CHUNKS)
    with Receiver() as receiver:
        destinations = [kafka("twice"), webhook("twice", receiver.url)]
        job_id = hasty_client.create(table=table, destinations=destinations)
        watch = Watch(hasty_client, job_id)
        for _ in range(2):
            # Once during the first delivery, once when everything is done.
            count = watch.until(lambda job: job["status"] == "transporting")["num_chunks"]
            wait_until(lambda count=count: len(chunks.heard()) >= count, "all are published")  # type: ignore[misc]  # its type is no secret
            wait_until(staging.heard, "the stage message is published")
            chunk_messages = queue.publish(CHUNKS, chunks.heard())
            stage_messages = queue.publish(STAGE, staging.heard())
            job = watch.until_completed()
        known = hasty_stack.endpoints
        wait_until(lambda: chunk_messages <= handled(known, "deliver"), "the chunks' messages are handled")
        wait_until(lambda: stage_messages <= handled(known, "stage"), "the stage messages are handled")
    assert hasty_client.get(job_id) == job
    assert len(hasty_warehouse.unloads(job_id)) == 1
    assert_each_arrived_once(hasty_stack, "twice", receiver, job, ids)


@pytest.mark.parametrize("topic", FUNCTIONS)
def test_messages_that_are_not_ours_are_dropped_and_come_no_more(stack: LocalStack, topic: str) -> None:
    queue, function = Queue(stack.endpoints), FUNCTIONS[topic]

    def malformed() -> int:
        log = entries(stack.endpoints, function)
        return sum(entry.get("error") == "MalformedMessage" for entry in log)

    before = malformed()
    queue.publish(topic, GARBAGE)
    wait_until(lambda: malformed() - before >= len(GARBAGE), "each is dropped")
    strangers = queue.publish(topic, [json.dumps(stranger).encode() for stranger in STRANGERS])
    wait_until(lambda: strangers <= handled(stack.endpoints, function), "each is dropped")
    of_strangers = [
        entry
        for entry in entries(stack.endpoints, function)
        if entry.get("message_id") in strangers and "event" not in entry
    ]
    assert {entry["error"] for entry in of_strangers} <= {"StaleMessage", "MalformedMessage"}
    assert {entry["severity"] for entry in of_strangers} == {"INFO"}
