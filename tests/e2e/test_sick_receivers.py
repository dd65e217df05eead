"""A receiver that is out of service holds up nobody else."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill, kafka, wait_until, webhook
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse
from tests.e2e.support.watch import assert_each_arrived_once

pytestmark = pytest.mark.stack

# At 48 KiB a chunk.
ROWS = 6_000
IN_FLIGHT = 3


class Recovering(Receiver):
    """Is out of service until it is well."""

    def __init__(self) -> None:
        super().__init__()
        self.well = threading.Event()

    def next_reply(self) -> Reply:
        return Reply() if self.well.is_set() else Reply(status=503)


def test_the_others_have_every_row_although_few_chunks_are_in_flight(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table, ids = hasty_warehouse.create_hashes("SICK_RECEIVER", ROWS)
    with Recovering() as receiver:
        body = backfill(table, [webhook("well", receiver.url), kafka("well")])
        created = hasty_client.post({**body, "max_parallel_chunks": IN_FLIGHT})
        job_id = str(created.body["job_id"])

        def states() -> dict[str, Mapping[str, Any]]:
            return {each["type"]: each["state"] for each in hasty_client.get(job_id)["destinations"]}

        wait_until(lambda: states()["kafka"]["status"] == "done", "Kafka has every row")
        assert states()["webhook"]["chunks_done"] == 0
        receiver.well.set()
        job = hasty_client.completed(job_id)
    assert job["num_chunks"] > 2 * IN_FLIGHT
    assert_each_arrived_once(hasty_stack, "well", receiver, job, ids)
