"""The recipes do on a real stack what their page says."""

import json
import sqlite3
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from infra.local.calls import call
from infra.local.parts import SNOWFLAKE_PYTHON
from infra.local.supervisor import LocalStack
from infra.local.table import data_file
from tests.e2e.support.client import Client, kafka, wait_until, webhook
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse
from tests.fakes.documented import receiver
from tests.recipes import recipes, run

pytestmark = pytest.mark.stack

LOAD = """
import duckdb, sys
connection = duckdb.connect()
columns = "unique_id VARCHAR, block_timestamp TIMESTAMP_NS, token_address VARCHAR, amount_str VARCHAR"
connection.execute(f"CREATE TABLE transfers ({columns})")
for _ in range(2):  # it may be repeated
    connection.execute(sys.argv[1])
for (unique_id,) in connection.execute("SELECT unique_id FROM transfers").fetchall():
    print(unique_id)
"""


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "cooks")


@pytest.fixture(scope="module")
def ids_of_the_day(stack: LocalStack) -> list[str]:
    """Return the unique ids of the recipes' day, from the file that filled the table."""
    rows = pq.read_table(data_file(stack.options), columns=["block_timestamp", "unique_id"])
    start, end = (datetime.fromisoformat(day) for day in ("2026-03-02", "2026-03-03"))
    moments = rows["block_timestamp"]
    within = pc.and_(pc.greater_equal(moments, start), pc.less(moments, end))
    found: list[str] = rows.filter(within)["unique_id"].to_pylist()
    assert found
    return sorted(found)


def environment(client: Client, **more: str) -> dict[str, str]:
    return {"BACKFILLS_URL": client.api_url, "BACKFILLS_API_KEY": client.api_key, **more}


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["unique_id"] for row in rows)


def test_a_day_is_in_the_topic_once(
    organization: Organization, ids_of_the_day: list[str], tmp_path: Path
) -> None:
    assert "completed" in run("day, command line", tmp_path, environment(organization.client))
    assert ids(organization.rows("transfers-of-a-day")) == ids_of_the_day


def test_rows_have_the_chosen_columns_under_their_other_names(
    organization: Organization, ids_of_the_day: list[str], tmp_path: Path
) -> None:
    created = json.loads(run("columns, curl", tmp_path, environment(organization.client)))
    organization.client.completed(created["job_id"])
    rows = organization.rows("narrow-transfers")
    assert ids(rows) == ids_of_the_day
    assert {tuple(row) for row in rows} == {("unique_id", "time", "token", "amount")}


def test_the_receiver_takes_what_is_signed_and_nothing_else(
    stack: LocalStack, client: Client, ids_of_the_day: list[str], tmp_path: Path
) -> None:
    secret = stack.endpoints["webhook_secret"]
    with receiver(tmp_path, secret["value"].encode()) as url:
        given = environment(client, RECEIVER_URL=url, WEBHOOK_KEY=secret["value"])
        assert run("signed request", tmp_path, given).split() == ["204", "401"]
        assert "completed" in run("webhook, command line", tmp_path, given)
    with closing(sqlite3.connect(tmp_path / "batches.db")) as store:
        batches = [json.loads(rows) for (rows,) in store.execute("SELECT rows FROM batches")]
    assert ids([row for batch in batches for row in batch]) == ids_of_the_day


def test_a_failed_job_is_found_and_resumed(
    organization: Organization, warehouse: Warehouse, tmp_path: Path
) -> None:
    table, _ = warehouse.create_hashes("RESUMED", 500)
    with Receiver(Reply(410)) as broken:
        job_id = organization.client.create(table=table, destinations=[webhook("mended", broken.url)])
        organization.client.wait_for(job_id, "failed")
        given = environment(organization.client, JOB_ID=job_id)
        seen = run("failed, command line", tmp_path, given)
        assert f"{job_id}  failed" in seen
        assert "410" in seen
        assert "completed: 500 rows" in run("retry, command line", tmp_path, given)


def test_all_jobs_under_way_are_paused_and_resumed(
    organization: Organization, warehouse: Warehouse, tmp_path: Path
) -> None:
    client = organization.client
    table, _ = warehouse.create_hashes("RUSHED", 500)
    given = environment(client)
    assert run("pause, command line", tmp_path, given) == ""  # there are none
    with warehouse.slow_unloads(60):
        jobs = [client.create(table=table, destinations=[kafka(name)]) for name in ("one", "two")]
        run("pause, command line", tmp_path, given)
        assert [client.get(job_id)["paused"] for job_id in jobs] == [True, True]
        run("resume, command line", tmp_path, given)
        assert [client.get(job_id)["paused"] for job_id in jobs] == [False, False]
        for job_id in jobs:
            client.cancel(job_id)


def test_a_bucket_is_loaded_and_loading_it_again_changes_nothing(
    stack: LocalStack, organization: Organization, ids_of_the_day: list[str], tmp_path: Path
) -> None:
    bucket = stack.endpoints["exports_bucket"]
    given = environment(organization.client, BUCKET=bucket)
    job_id, *_ = run("bucket, command line", tmp_path, given).splitlines()
    folder = tmp_path / "transfers" / job_id
    folder.mkdir(parents=True)
    root = f"{stack.endpoints['gcs_url']}/storage/v1/b/{bucket}/o"
    listed = call("GET", root, fields={"prefix": f"transfers/{job_id}/"}).json()["items"]
    assert len(listed) == organization.client.get(job_id)["num_chunks"]
    for item in listed:
        content = call("GET", f"{root}/{item['name'].replace('/', '%2F')}?alt=media").data
        (folder / Path(item["name"]).name).write_bytes(content)
    load = recipes()["duckdb"].replace("gs://my-lake/transfers/JOB_ID", str(folder))
    loaded = subprocess.run(  # noqa: S603 - the documentation's own lines
        [SNOWFLAKE_PYTHON, "-c", LOAD, load], capture_output=True, text=True, check=True, timeout=120
    )
    assert sorted(loaded.stdout.split()) == ids_of_the_day


def test_a_rerun_answers_the_first_ones_job(organization: Organization, tmp_path: Path) -> None:
    given = environment(organization.client)
    first = run("rerun, command line", tmp_path, given).strip()
    again = json.loads(run("rerun, curl", tmp_path, given))
    assert again["job_id"] == run("rerun, command line", tmp_path, given).strip() == first
    assert [job["job_id"] for job in organization.client.list()] == [first]
    wait_until(lambda: organization.client.get(first)["status"] == "completed", "the job is completed")
