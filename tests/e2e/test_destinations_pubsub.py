"""A job into a topic of Pub/Sub, row by row, and some that name why they can't be."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 3_000
TEXT = (Path(__file__).parents[2] / "docs/destinations/pubsub.md").read_text()


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[dict[str, str]]]:
    name, ids = warehouse.create_hashes("EXPORTED_TO_A_TOPIC", ROWS)
    return name, [{"unique_id": each, "block_timestamp": "2026-03-01T00:00:00"} for each in ids]


def topic(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "pubsub", "name": "rows", "topic": name, **fields}


def test_the_shown_reader_has_every_row_once(
    stack: LocalStack, client: Client, table: tuple[str, list[dict[str, str]]], tmp_path: Path
) -> None:
    name, rows = table
    exports = stack.endpoints["exports"]
    job_id = client.create(table=name, destinations=[topic(exports["topic"])])
    client.completed(job_id)
    environment = os.environ | {
        "PUBSUB_EMULATOR_HOST": stack.endpoints["pubsub_host"],
        "SUBSCRIPTION": exports["subscription"],
        "ROWS": str(ROWS),
    }
    (program,) = re.findall(r"<!-- tested: pubsub reader -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    subprocess.run(  # noqa: S603 - the documentation's own lines
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=120
    )
    store = sqlite3.connect(tmp_path / "rows.db")
    kept = store.execute("SELECT job, data FROM rows").fetchall()
    store.close()
    assert {job for job, _ in kept} == {job_id}
    found = [json.loads(data) for _, data in kept]
    assert sorted(found, key=lambda row: str(row["unique_id"])) == sorted(
        rows, key=lambda row: row["unique_id"]
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "projects/some-project/topics/nobodys"}, "There is no topic projects/some-project/topics/"),
        ({"name": "projects/local-backfills/topics/backfills-stage"}, "the service's own"),
        (
            {"name": "projects/some-project/topics/nobodys", "ordering_key_column": "no_such"},
            "The table has no column no_such",
        ),
    ],
)
def test_what_can_not_be_fails_the_job_and_says_why(
    client: Client, table: tuple[str, list[dict[str, str]]], fields: dict[str, Any], told: str
) -> None:
    job = client.wait_for(client.create(table=table[0], destinations=[topic(**fields)]), "failed")
    assert told in job["error_message"]
