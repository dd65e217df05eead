"""A backfill's estimate and its receipt, on the whole stack."""

import base64
import json
from typing import Any

import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, backfill, kafka, wait_until, webhook
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import NarrowReceiver
from tests.e2e.support.tables import Warehouse
from tests.e2e.test_oversized_rows import SMALL, fill

pytestmark = pytest.mark.stack

_CRC32C_BYTES = 4


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "checks")


def lines(client: Client, path: str) -> tuple[list[dict[str, Any]], str]:
    """Return the chunks on one page of a receipt, and the path of the next page."""
    url = f"{client.api_url}{path}"
    answer = call("GET", url, headers={"X-API-Key": client.api_key})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/x-ndjson")
    link = answer.headers.get("Link", "").partition(">")[0].lstrip("<")
    return [json.loads(line) for line in answer.data.splitlines()], link


def test_the_estimated_rows_are_those_of_the_receipt(hasty_stack: LocalStack) -> None:
    """Check several chunks, each with the checksum of its staged file."""
    organization = Organization.new(hasty_stack, "estimates")
    client, table = organization.client, "base.assets.erc20_token_transfers"
    answer = client.call("POST", "/estimate", backfill(table, []))
    assert answer.status == 200, answer
    estimate = answer.body
    assert len(estimate["first_rows"]) == 5
    job_id = client.create(table=table, destinations=[kafka("one"), kafka("two")])
    job = client.completed(job_id)
    receipt = client.call("GET", f"/{job_id}/receipt").body
    assert receipt["balanced"] is True
    assert receipt["unload"]["rows"] == estimate["rows"] == job["progress"]["rows_total"]
    assert receipt["unload"]["chunks"] == job["num_chunks"] > 2
    assert [one["rows_delivered"] for one in receipt["destinations"]] == [estimate["rows"]] * 2
    assert {row["unique_id"] for row in estimate["first_rows"]} <= {
        row["unique_id"] for row in organization.rows("one")
    }
    # Their bytes cannot be compared any more: files of completed jobs are removed.
    chunks, path = [], f"/api/v1/beam/backfills/{job_id}/receipt/chunks?limit=2"
    while path:
        some, path = lines(client, path)
        assert len(some) <= 2
        chunks += some
    assert [chunk["chunk"] for chunk in chunks] == list(range(job["num_chunks"]))
    assert sum(chunk["rows"] for chunk in chunks) == estimate["rows"]
    assert sum(chunk["bytes"] for chunk in chunks) == receipt["unload"]["bytes"]
    for chunk in chunks:
        assert len(base64.b64decode(chunk["crc32c"])) == _CRC32C_BYTES
        assert [one["rows"] for one in chunk["deliveries"]] == [chunk["rows"]] * 2
        assert all(one["attempts"] >= 1 and one["time_done"] for one in chunk["deliveries"])


def test_a_mixed_case_address_is_warned_of(organization: Organization) -> None:
    mixed = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
    body = backfill("base.assets.erc20_token_transfers", [], column="token_address", values=[mixed])
    estimate = organization.client.call("POST", "/estimate", body).body
    assert estimate["rows"] == 0
    assert any(mixed.lower() in warning for warning in estimate["warnings"]), estimate["warnings"]


def test_what_does_not_exist_is_told_by_its_place(organization: Organization) -> None:
    body = backfill("base.assets.erc20_token_transfers", [], columns=["unique_id", "nothing"])
    answer = organization.client.call("POST", "/estimate", body)
    assert (answer.status, answer.body["detail"][0]["loc"]) == (422, ["body", "columns", 1])
    answer = organization.client.call("POST", "/estimate", backfill("base.assets.nothing", []))
    assert (answer.status, answer.body["detail"][0]["loc"]) == (422, ["body", "table"])


def test_rows_that_were_skipped_are_named(organization: Organization, warehouse: Warehouse) -> None:
    client = organization.client
    table = fill(warehouse, "SKIPPED_IN_RECEIPT", [*[100] * SMALL, 3_000])
    with NarrowReceiver(2_500) as receiver:
        body = backfill(table, [webhook("narrow", receiver.url), kafka("wide")]) | {"oversized_rows": "skip"}
        job_id = client.post(body).body["job_id"]
        client.completed(job_id)
    receipt = client.call("GET", f"/{job_id}/receipt").body
    narrow, wide = receipt["destinations"]
    assert (receipt["balanced"], wide["rows_skipped"], "skipped" in wide) == (True, 0, False)
    assert (narrow["rows_delivered"], narrow["rows_skipped"]) == (SMALL, 1)
    [row] = narrow["skipped"]
    assert (row["key"], row["bytes"] > 3_000) == (f"row-{SMALL}", True)


def test_there_is_no_receipt_while_a_job_is_staged(organization: Organization) -> None:
    job_id = organization.client.create(table="base.assets.nothing_at_all", destinations=[kafka("none")])
    wait_until(lambda: organization.client.get(job_id)["status"] == "failed", "the job to fail")
    assert organization.client.call("GET", f"/{job_id}/receipt").status == 409
