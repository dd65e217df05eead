"""Jobs that select columns: their rows have only these, and nothing else is read or staged."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.client import Client, kafka, wait_until, webhook
from tests.e2e.support.kafka import committed
from tests.e2e.support.receiver import Receiver, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

WIDTH = 1_000  # columns
ROWS = 50


@pytest.fixture(scope="module")
def wide(warehouse: Warehouse) -> str:
    names = [f"C{number}" for number in range(WIDTH - 2)]
    defined = ", ".join(f"{name} VARCHAR" for name in names)
    table = warehouse.create("WIDE", f"UNIQUE_ID VARCHAR, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), {defined}")
    columns: dict[str, Any] = {
        "unique_id": [f"row-{number}" for number in range(ROWS)],
        "block_timestamp": pa.array(["2026-03-01T00:00:00"] * ROWS).cast(pa.timestamp("ns")),
    }
    columns |= {name: [f"{name}-{number}" for number in range(ROWS)] for name in names}
    warehouse.load(table, pa.table(columns))
    return table


def test_five_columns_of_a_thousand_are_all_that_is_staged_and_sent(
    stack: LocalStack, client: Client, warehouse: Warehouse, wide: str
) -> None:
    columns = [
        "c7",
        {"column": "C3", "as": "Third"},
        "c0",
        "block_timestamp",
        {"column": "c3", "as": "again"},
    ]
    shown = ["c7", {"column": "c3", "as": "Third"}, "c0", "block_timestamp", {"column": "c3", "as": "again"}]
    expected = sorted(
        json.dumps(
            {
                "c7": f"C7-{number}",
                "Third": f"C3-{number}",
                "c0": f"C0-{number}",
                "block_timestamp": "2026-03-01T00:00:00",
                "again": f"C3-{number}",
            }
        )
        for number in range(ROWS)
    )
    with Receiver() as receiver, warehouse.slow_unloads(60.0):
        destinations = [kafka("five"), webhook("five", receiver.url)]
        job_id = client.create(table=wide, destinations=destinations, columns=columns)
        wait_until(lambda: staged_files(stack.endpoints, client.get(job_id)), "the unload is held")
        (content,) = staged_files(stack.endpoints, client.get(job_id)).values()
        client.cancel(job_id)
    fields = ["c7", "Third", "c0", "block_timestamp", "again"]
    assert pq.read_schema(io.BytesIO(content)).names == [*fields, "key:unique_id"]
    with Receiver() as receiver:
        destinations = [kafka("five-columns"), webhook("five-columns", receiver.url)]
        job = client.completed(client.create(table=wide, destinations=destinations, columns=columns))
        assert sorted(map(json.dumps, rows_once(receiver.requests))) == expected
    assert job["columns"] == shown
    sent = committed(stack.endpoints["kafka_bootstrap"], f"beam.{job['organization_id']}.five-columns")
    assert sorted(json.dumps(json.loads(value)) for _, value in sent) == expected
    assert sorted(key or b"" for key, _ in sent) == sorted(f"row-{number}".encode() for number in range(ROWS))


def test_a_column_that_is_not_there_fails_the_job_by_its_name(client: Client, wide: str) -> None:
    job_id = client.create(table=wide, destinations=[kafka("no-colour")], columns=["colour"])
    job = client.wait_for(job_id, "failed")
    assert job["error_message"].startswith("The table has no column colour for the rows")
