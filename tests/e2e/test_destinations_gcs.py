"""Backfills into a bucket, through the whole stack."""

import io
import json

import pyarrow.parquet as pq
import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 3_000


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids."""
    return warehouse.create_hashes("TO_BUCKETS", ROWS)


def lake(stack: LocalStack, name: str, **options: str) -> dict[str, str]:
    return {"type": "gcs", "name": name, "bucket": stack.endpoints["exports_bucket"], **options}


def objects(stack: LocalStack, prefix: str) -> dict[str, bytes]:
    """Return the bucket's objects below the prefix: the contents by name."""
    endpoints = stack.endpoints
    root = f"{endpoints['gcs_url']}/storage/v1/b/{endpoints['exports_bucket']}/o"
    listed = call("GET", root, fields={"prefix": prefix}).json().get("items", [])
    names = [item["name"] for item in listed]
    return {name: call("GET", f"{root}/{name.replace('/', '%2F')}?alt=media").data for name in names}


def test_every_row_is_in_one_object_as_parquet_and_as_lines(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    destinations = [
        lake(stack, "files", prefix="files/"),
        lake(stack, "lines", prefix="lines/", format="ndjson"),
    ]
    job = client.completed(client.create(table=name, destinations=destinations))
    files = objects(stack, f"files/{job['job_id']}/")
    lines = objects(stack, f"lines/{job['job_id']}/")
    assert len(files) == len(lines) == job["num_chunks"]
    found = [row for content in lines.values() for row in map(json.loads, content.splitlines())]
    assert sorted(row["unique_id"] for row in found) == sorted(ids)
    columns = [
        pq.read_table(io.BytesIO(content)).column("UNIQUE_ID").to_pylist() for content in files.values()
    ]
    assert sorted(value for column in columns for value in column) == sorted(ids)


def test_chosen_columns_are_all_that_the_objects_have(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    columns = [{"column": "block_timestamp", "as": "when"}]
    job = client.completed(
        client.create(table=name, destinations=[lake(stack, "chosen", prefix="chosen/")], columns=columns)
    )
    tables = [
        pq.read_table(io.BytesIO(content)) for content in objects(stack, f"chosen/{job['job_id']}/").values()
    ]
    assert {tuple(table.column_names) for table in tables} == {("when",)}
    assert sum(table.num_rows for table in tables) == len(ids)


def test_a_bucket_that_is_not_there_fails_the_job_by_its_name(
    client: Client, table: tuple[str, list[str]]
) -> None:
    destination = {"type": "gcs", "name": "nowhere", "bucket": "no-such-bucket"}
    job = client.wait_for(client.create(table=table[0], destinations=[destination]), "failed")
    assert job["error_message"] == "There is no bucket no-such-bucket"
