"""A job into a bucket of Google Cloud Storage, row by row, and one that names why it can't be."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
import urllib3

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 3_000
TEXT = (Path(__file__).parents[2] / "docs/destinations/gcs.md").read_text()


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[dict[str, str]]]:
    name, ids = warehouse.create_hashes("EXPORTED_TO_A_BUCKET", ROWS)
    return name, [{"unique_id": each, "block_timestamp": "2026-03-01T00:00:00"} for each in ids]


def bucket(stack: LocalStack, **fields: Any) -> dict[str, Any]:
    return {"type": "gcs", "name": "lake", "bucket": stack.endpoints["exports"]["bucket"], **fields}


def objects(stack: LocalStack, prefix: str) -> dict[str, bytes]:
    """The contents of what lies in the bucket, by name."""
    root = f"{stack.endpoints['gcs_url']}/storage/v1/b/{stack.endpoints['exports']['bucket']}/o"
    listed = urllib3.request("GET", f"{root}?prefix={quote(prefix, safe='')}").json().get("items", [])
    names = [item["name"] for item in listed]
    return {name: urllib3.request("GET", f"{root}/{quote(name, safe='')}?alt=media").data for name in names}


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["unique_id"]))


def test_every_row_is_in_the_lines_of_one_object_a_chunk(
    stack: LocalStack, client: Client, table: tuple[str, list[dict[str, str]]]
) -> None:
    name, rows = table
    sink = bucket(stack, prefix="lines/", format="ndjson")
    job_id = client.create(table=name, destinations=[sink])
    job = client.completed(job_id)
    found = objects(stack, f"lines/{job_id}/")
    assert list(found) == [f"lines/{job_id}/{number:08d}.ndjson" for number in range(job["num_chunks"])]
    lines = [json.loads(line) for content in found.values() for line in content.splitlines()]
    assert by_id(lines) == by_id(rows)
    environment = os.environ | {
        "STORAGE_EMULATOR_HOST": stack.endpoints["gcs_url"],
        "GOOGLE_CLOUD_PROJECT": stack.endpoints["project_id"],
        "BUCKET": sink["bucket"],
        "PREFIX": "lines/",
        "JOB_ID": job_id,
    }
    (program,) = re.findall(r"<!-- tested: gcs reader -->\n```python\n(.*?)```", TEXT, re.DOTALL)
    read = subprocess.run(  # noqa: S603 - the documentation's own lines
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, timeout=120
    )
    assert read.stdout.decode().strip() == str(ROWS)


def test_every_row_is_in_the_copied_files(
    stack: LocalStack, client: Client, table: tuple[str, list[dict[str, str]]]
) -> None:
    name, rows = table
    job_id = client.create(table=name, destinations=[bucket(stack)])
    client.completed(job_id)
    found = objects(stack, f"{job_id}/")
    assert next(iter(found)) == f"{job_id}/00000000.parquet"
    copied = [row for content in found.values() for row in pq.read_table(io.BytesIO(content)).to_pylist()]
    ids = [{key.lower(): value for key, value in row.items()}["unique_id"] for row in copied]
    assert sorted(ids) == [row["unique_id"] for row in by_id(list(rows))]


def test_a_bucket_that_is_not_there_fails_the_job_by_its_name(
    client: Client, table: tuple[str, list[dict[str, str]]]
) -> None:
    sink = {"type": "gcs", "name": "lake", "bucket": "nobodys-bucket"}
    job = client.wait_for(client.create(table=table[0], destinations=[sink]), "failed")
    assert "There is no bucket nobodys-bucket" in job["error_message"]


def test_the_staging_bucket_fails_the_job(
    stack: LocalStack, client: Client, table: tuple[str, list[dict[str, str]]]
) -> None:
    sink = {"type": "gcs", "name": "lake", "bucket": stack.endpoints["bucket"]}
    job = client.wait_for(client.create(table=table[0], destinations=[sink]), "failed")
    assert "the service's own" in job["error_message"]
