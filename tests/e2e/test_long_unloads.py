"""An unload may take longer than any function may run."""

from datetime import datetime
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.conftest import FUNCTION_SECONDS
from tests.e2e.support.client import Client, kafka, wait_until
from tests.e2e.support.kafka import committed
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

SECONDS = 3 * FUNCTION_SECONDS


def test_an_unload_of_three_times_the_functions_deadline_is_run_once_and_delivered_once(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table = hasty_warehouse.create(
        "LONG_UNLOAD", "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), ROW_NUMBER NUMBER(38, 0)"
    )
    hasty_warehouse.insert(table, "%s, %s", [("2026-03-01T00:00:00", number) for number in range(3)])
    with hasty_warehouse.slow_unloads(SECONDS):
        job_id = hasty_client.create(table=table, destinations=[kafka("long-unload")])
        wait_until(lambda: hasty_warehouse.unloads(job_id), "the unload begins")
        job = hasty_client.completed(job_id, seconds=2 * SECONDS)
    assert (job["num_chunks"], job["chunks_left"]) == (1, 0)
    (unload,) = hasty_warehouse.unloads(job_id)
    assert _seconds(unload) >= SECONDS
    rows = committed(hasty_stack.endpoints["kafka_bootstrap"], f"beam.{job['organization_id']}.long-unload")
    assert sorted(value for _, value in rows) == [
        b'{"block_timestamp":"2026-03-01T00:00:00","row_number":%d}' % number for number in range(3)
    ]


def _seconds(unload: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(unload[name]) for name in ("started", "ended"))
    return (ended - began).total_seconds()
