"""An organization sees and changes only its own data."""

import uuid

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, kafka
from tests.e2e.support.organizations import Organization
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    table = warehouse.create("SHARED_BY_TWO", "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), OWNER VARCHAR")
    rows = [("2026-03-10T00:00:00", "ours"), ("2026-03-10T00:00:00", "theirs")]
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s", rows)
    return table


@pytest.fixture
def ours(stack: LocalStack) -> Organization:
    return Organization.new(stack, "ours")


@pytest.fixture
def theirs(stack: LocalStack) -> Organization:
    return Organization.new(stack, "theirs")


def backfill_own_rows(organization: Organization, table: str, owner: str) -> str:
    job_id = organization.client.create(
        table=table, destinations=[kafka("same-name")], column="owner", values=[owner]
    )
    organization.client.completed(job_id)
    return job_id


def test_the_same_destination_of_two_organizations_is_two_topics(
    ours: Organization, theirs: Organization, table: str
) -> None:
    backfill_own_rows(ours, table, "ours")
    backfill_own_rows(theirs, table, "theirs")
    assert [row["owner"] for row in ours.rows("same-name")] == ["ours"]
    assert [row["owner"] for row in theirs.rows("same-name")] == ["theirs"]


def test_each_list_holds_the_organizations_own_jobs_oldest_first(
    ours: Organization, theirs: Organization, table: str
) -> None:
    their_job = backfill_own_rows(theirs, table, "theirs")
    our_jobs = [backfill_own_rows(ours, table, "ours") for _ in range(3)]
    assert [job["job_id"] for job in ours.client.list()] == our_jobs
    assert [job["job_id"] for job in theirs.client.list()] == [their_job]
    assert {job["organization_id"] for job in ours.client.list()} == {ours.name}


@pytest.mark.parametrize(("method", "what"), [("GET", ""), ("POST", "/cancel")])
def test_anothers_job_is_as_unknown_as_one_that_does_not_exist(
    ours: Organization, theirs: Organization, table: str, method: str, what: str
) -> None:
    job_id, no_job_id = backfill_own_rows(theirs, table, "theirs"), str(uuid.uuid4())
    another = ours.client.call(method, f"/{job_id}{what}")
    missing = ours.client.call(method, f"/{no_job_id}{what}")
    assert another.status == missing.status == 404
    assert another.body["detail"].replace(job_id, no_job_id) == missing.body["detail"]
    assert theirs.client.get(job_id)["status"] == "completed"


def test_an_unknown_key_and_none_are_refused_alike(stack: LocalStack) -> None:
    answers = [Client(stack.endpoints["api_url"], key).call("GET", "") for key in ("unknown", "")]
    assert [answer.status for answer in answers] == [401, 401]
