"""Processes are killed in the middle of a job, and an unload outlives them: every row still arrives once."""

from datetime import datetime
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.conftest import FUNCTION_SECONDS
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.client import Client, kafka, wait_until, webhook
from tests.e2e.support.receiver import Receiver
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watch import Watch, assert_each_arrived_once

pytestmark = pytest.mark.stack

# With chunks of 48 KiB.
ROWS = 24_000
LEAST_CHUNKS = 30
LONG_UNLOAD = 3 * FUNCTION_SECONDS


def test_functions_that_are_killed_lose_and_double_nothing(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table, ids = hasty_warehouse.create_hashes("KILLED_FUNCTIONS", ROWS)
    with Receiver() as receiver:
        with hasty_warehouse.slow_unloads(2):
            destinations = [kafka("killed"), webhook("killed", receiver.url)]
            job_id = hasty_client.create(table=table, destinations=destinations)
            wait_until(lambda: hasty_warehouse.unloads(job_id), "the unload runs")
            hasty_stack.kill("stage")
            watch = Watch(hasty_client, job_id)
            job = watch.until(lambda job: job["status"] == "transporting")
        hasty_stack.kill("stage")  # possibly in the middle of its messages, one per chunk
        assert job["num_chunks"] >= LEAST_CHUNKS
        for part in (0.03, 0.25, 0.5, 0.75):
            watch.until_delivered(part)
            hasty_stack.kill("deliver")
        hasty_stack.kill("sweep")
        watch.until(lambda job: job["chunks_left"] <= 1)
        hasty_stack.kill("deliver")  # possibly between its last record and the job's end
        job = watch.until_completed(seconds=240)
    assert len(hasty_warehouse.unloads(job_id)) == 1
    assert_each_arrived_once(hasty_stack, "killed", receiver, job, ids)


def test_a_long_unload_and_a_delivery_survive_the_death_of_what_brings_their_messages(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    """The unload takes three times as long as a function may run. Both cases share a test because both
    wait.
    """
    long, long_ids = hasty_warehouse.create_hashes("LONG_UNLOAD", 3)
    table, ids = hasty_warehouse.create_hashes("KILLED_DISPATCHER", ROWS // 4)
    with Receiver() as long_receiver, Receiver() as receiver:
        with hasty_warehouse.slow_unloads(LONG_UNLOAD):
            destinations = [kafka("long-unload"), webhook("long-unload", long_receiver.url)]
            long_id = hasty_client.create(table=long, destinations=destinations)
            wait_until(
                lambda: staged_files(hasty_stack.endpoints, hasty_client.get(long_id)), "the unload is held"
            )
        destinations = [kafka("undispatched"), webhook("undispatched", receiver.url)]
        watch = Watch(hasty_client, hasty_client.create(table=table, destinations=destinations))
        job = watch.until_delivered(0.1)
        hasty_stack.kill("dispatcher")
        assert job["chunks_left"] > 0
        # The emulator sends messages to the dead process for about a minute; the sweep publishes others.
        job = watch.until_completed(seconds=240)
        long_job = hasty_client.completed(long_id, seconds=240)
    assert_each_arrived_once(hasty_stack, "undispatched", receiver, job, ids)
    assert_each_arrived_once(hasty_stack, "long-unload", long_receiver, long_job, long_ids)
    (unload,) = hasty_warehouse.unloads(long_id)
    assert _seconds(unload) >= LONG_UNLOAD


def _seconds(unload: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(unload[name]) for name in ("started", "ended"))
    return (ended - began).total_seconds()
