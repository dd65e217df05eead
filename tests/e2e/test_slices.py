"""Exactly the slice's rows arrive, all of them at every destination."""

from typing import Any

import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, kafka, webhook
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver, rows_once, signed_with
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

START, END = "2026-03-10T00:00:00", "2026-03-11T00:00:00"
ROWS = {
    "a day before": "2026-03-09T00:00:00",
    "a nanosecond before the start": "2026-03-09T23:59:59.999999999",
    "on the start": START,
    "a nanosecond after the start": "2026-03-10T00:00:00.000000001",
    "at noon": "2026-03-10T12:00:00",
    "a nanosecond before the end": "2026-03-10T23:59:59.999999999",
    "on the end": END,
    "a day after": "2026-03-12T00:00:00",
    "without a time": None,
}
INSIDE = {
    "on the start",
    "a nanosecond after the start",
    "at noon",
    "a nanosecond before the end",
}


@pytest.fixture(scope="module")
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "slicer")


@pytest.fixture(scope="module")
def moments(warehouse: Warehouse) -> str:
    table = warehouse.create("MOMENTS", "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), NAME VARCHAR")
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s", [(time, name) for name, time in ROWS.items()])
    return table


@pytest.fixture(scope="module")
def things(warehouse: Warehouse) -> str:
    """Create every pair of a number and a flag, each of them null too; the name contains both."""
    table = warehouse.create(
        "THINGS",
        "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), NAME VARCHAR, NUMBER NUMBER(38, 0), AMOUNT FLOAT, FLAG BOOLEAN",
    )
    rows = [
        (START, name, number, amount, flag)
        for name, number, amount, flag in (
            ("one", 1, 0.5, True),
            ("ONE", 1, 1.0, False),
            ("ten", 10**37, -0.5, True),
            ("it's", None, None, None),
            (None, 0, 0.0, False),
        )
    ]
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s, %s, %s, %s", rows)
    return table


def delivered(organization: Organization, topic: str, **fields: Any) -> list[dict[str, Any]]:
    """Return the rows of a backfill to a new topic."""
    job_id = organization.client.create(destinations=[kafka(topic)], **fields)
    job = organization.client.completed(job_id)
    rows = organization.rows(topic)
    assert job["progress"]["rows_done"] == job["progress"]["rows_total"] == len(rows)
    return rows


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param((START, END), INSIDE, id="days"),
        pytest.param(
            ("2026-03-10T00:00:00.000000001", "2026-03-10T23:59:59.999999999"),
            {"a nanosecond after the start", "at noon"},
            id="nanoseconds",
        ),
        pytest.param(("2026-03-10T01:00:00+01:00", "2026-03-10T19:00:00-05:00"), INSIDE, id="offsets"),
    ],
)
def test_a_row_on_the_start_arrives_and_one_on_the_end_does_not(
    organization: Organization,
    moments: str,
    window: tuple[str, str],
    expected: set[str],
    request: pytest.FixtureRequest,
) -> None:
    topic = f"moments-{request.node.callspec.id}"
    rows = delivered(organization, topic, table=moments, window=window)
    assert {row["name"]: row["block_timestamp"] for row in rows} == {name: ROWS[name] for name in expected}
    assert len(rows) == len(expected)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        pytest.param("name", ["one", "it's", "absent"], ["it's", "one"], id="strings"),
        pytest.param("Number", [1, 10**37], ["ONE", "one", "ten"], id="numbers"),
        pytest.param("AMOUNT", [0.5, -0.5], ["one", "ten"], id="floats"),
        pytest.param("flag", [True], ["one", "ten"], id="booleans"),
    ],
)
def test_only_rows_whose_value_is_listed_arrive(
    organization: Organization, things: str, column: str, values: list[Any], expected: list[str]
) -> None:
    rows = delivered(organization, f"things-{column}", table=things, column=column, values=values)
    assert sorted(row["name"] for row in rows) == expected


def test_a_slice_of_no_rows_completes_with_no_chunks(organization: Organization, moments: str) -> None:
    window = "2024-01-01T00:00:00", "2024-01-02T00:00:00"
    job_id = organization.client.create(table=moments, destinations=[kafka("nothing")], window=window)
    job = organization.client.completed(job_id)
    assert (job["num_chunks"], job["chunks_left"]) == (0, 0)
    assert job["warnings"] == ["There were no rows in the slice"]
    assert job["destinations"][0]["state"]["status"] == "done"
    assert job["time_completed"] is not None


def test_each_of_several_destinations_gets_every_row_of_every_chunk(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    table, ids = warehouse.create_hashes("BULKY", 60_000)
    secret = stack.endpoints["webhook_secret"]
    acme = Organization(stack.endpoints["organization_id"], client, stack)
    with Receiver() as receiver:
        destinations = [
            kafka("several-left"),
            webhook("several", receiver.url, secret["name"]),
            kafka("several-right"),
        ]
        job = client.completed(client.create(table=table, destinations=destinations))
    assert job["num_chunks"] > 1
    assert [destination["state"] for destination in job["destinations"]] == [
        {"status": "done", "chunks_done": job["num_chunks"], "rows_done": len(ids), "last_error": None}
    ] * 3
    assert all(signed_with(secret["value"], request) for request in receiver.requests)
    for rows in (acme.rows("several-left"), acme.rows("several-right"), rows_once(receiver.requests)):
        assert sorted(row["unique_id"] for row in rows) == sorted(ids)
