"""Both clients make the same calls, retry where that is safe, and report errors."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from backfills import AsyncClient, Client, NewBackfill, Retries, Window
from backfills.errors import (
    BackfillsError,
    Conflict,
    Invalid,
    KeyRefused,
    LimitReached,
    NoAnswer,
    NotFound,
    NotTheService,
    Unavailable,
)
from tests.unit.client.service import DROPS, JOB_ID, Says, Service, job, service

QUICK = Retries(tries=3, first_pause=0.001)
NEW = NewBackfill(
    job_name="One day",
    table="base.assets.erc20_token_transfers",
    backfill_window=Window(start="2026-03-01T00:00:00", end="2026-03-02T00:00:00"),
    destinations=[{"type": "kafka", "name": "transfers"}],
)
CREATED = Says(201, {"job_id": JOB_ID, "workflow_id": "w"})
BUSY = Says(429, {"detail": "too many"}, {"Retry-After": "0"})
DOWN = Says(503, {"detail": "Firestore does not answer"}, {"Retry-After": "0"})

Run = Callable[..., Any]


def _wait(server: Service, name: str, *arguments: Any, **options: Any) -> Any:
    with Client(server.url, "key", retries=QUICK) as client:
        found = getattr(client, name)(*arguments, **options)
        return list(found) if hasattr(found, "__next__") else found


def _loop(server: Service, name: str, *arguments: Any, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(server.url, "key", retries=QUICK) as client:
            found = getattr(client, name)(*arguments, **options)
            return [each async for each in found] if hasattr(found, "__anext__") else await found

    return asyncio.run(run())


@pytest.fixture(params=[_wait, _loop], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    made: Run = request.param
    return made


@pytest.mark.parametrize("fault", [DROPS, BUSY, DOWN, Says(500, {"detail": "a fault"}), Says(502, b"<html>")])
def test_all_tries_of_a_create_carry_one_key_and_one_body(run: Run, fault: Says) -> None:
    with service(fault, fault, CREATED) as server:
        assert run(server, "create", NEW).job_id == JOB_ID
    assert len(server.asked) == 3
    assert len({(asked.headers["Idempotency-Key"], asked.body) for asked in server.asked}) == 1
    assert json.loads(server.asked[0].body)["destinations"] == [{"type": "kafka", "name": "transfers"}]


@pytest.mark.parametrize(
    "given",
    [
        {"columns": []},
        {"destinations": []},
        {"filter": {"column": "token_address", "values": []}},
        {"a_later_field": []},
    ],
    ids=lambda given: next(iter(given)),
)
@pytest.mark.parametrize("name", ["create", "estimate"])
def test_an_empty_list_that_was_given_is_sent(run: Run, name: str, given: dict[str, Any]) -> None:
    """The service refuses it. Without the list, the request would mean something else."""
    window = Window(start="2026-03-01T00:00:00", end="2026-03-02T00:00:00")
    new = NewBackfill(table="base.assets.erc20_token_transfers", backfill_window=window, **given)
    with service(Says(422, {"detail": []})) as server, pytest.raises(Invalid):
        run(server, name, new)
    sent = json.loads(server.asked[0].body)
    assert sent.keys() == {"table", "backfill_window", *given}
    assert sent.items() >= given.items()


def test_a_list_that_was_filled_later_is_sent() -> None:
    new = NewBackfill(table="base.assets.erc20_token_transfers", backfill_window=Window(start=1, end=2))
    assert new.body().keys() == {"table", "backfill_window"}
    new.destinations.append({"type": "kafka", "name": "transfers"})
    assert new.body()["destinations"] == [{"type": "kafka", "name": "transfers"}]


@pytest.mark.parametrize(
    ("says", "error"),
    [
        (Says(401, {"detail": "no"}), KeyRefused),
        (Says(404, {"detail": "no"}), NotFound),
        (Says(409, {"detail": "no"}), Conflict),
        (Says(404, b"<html>elsewhere</html>"), NotTheService),
        (Says(200, b"{"), NotTheService),
        (Says(200, b"<html>"), NotTheService),
        (Says(302, b"", {"Location": "http://127.0.0.1:1/"}), NotTheService),
        (Says(429, {"detail": "no"}, {"Retry-After": "9999"}), LimitReached),
    ],
)
def test_what_will_not_change_is_said_at_once(run: Run, says: Says, error: type[BackfillsError]) -> None:
    with service(says) as server, pytest.raises(error) as caught:
        run(server, "get", JOB_ID)
    assert type(caught.value) is error
    assert len(server.asked) == 1


@pytest.mark.parametrize(("says", "error"), [(DROPS, NoAnswer), (DOWN, Unavailable), (BUSY, LimitReached)])
def test_tries_are_bounded(run: Run, says: Says, error: type[BackfillsError]) -> None:
    with service(*[says] * 4) as server, pytest.raises(error):
        run(server, "get", JOB_ID)
    assert len(server.asked) == 3


def test_every_fault_of_a_request_is_told(run: Run) -> None:
    detail = [{"loc": ["body", "filter", "column"], "msg": "Give a name", "type": "x"}]
    with service(Says(422, {"detail": detail})) as server, pytest.raises(Invalid) as caught:
        run(server, "create", {})
    assert str(caught.value) == "filter.column: Give a name"
    assert caught.value.detail == detail


def test_a_retry_whose_answer_is_lost_is_not_made_again(run: Run) -> None:
    with service(DROPS, Says(200, job())) as server, pytest.raises(NoAnswer):
        run(server, "retry", JOB_ID)
    assert len(server.asked) == 1


def test_a_retry_that_did_nothing_is_made_again(run: Run) -> None:
    with service(DOWN, Says(200, job())) as server:
        assert run(server, "retry", JOB_ID).status == "transporting"


@pytest.mark.parametrize("name", ["cancel", "pause", "resume"])
def test_an_action_is_made_again_when_its_answer_is_lost(run: Run, name: str) -> None:
    with service(DROPS, Says(200, job())) as server:
        run(server, name, JOB_ID)
    assert [asked.path for asked in server.asked] == [f"/api/v1/beam/backfills/{JOB_ID}/{name}"] * 2


def test_pages_follow_links_but_the_key_goes_nowhere_else(run: Run) -> None:
    link = {"Link": '<http://elsewhere.example/x?cursor=c1&limit=200>; rel="next"'}
    with service(Says(200, [job()], link), Says(200, [job("failed")])) as server:
        assert [one.status for one in run(server, "list", "failed")] == ["transporting", "failed"]
    assert [asked.path for asked in server.asked] == [
        "/api/v1/beam/backfills?status=failed&limit=200",
        "/api/v1/beam/backfills?cursor=c1&limit=200",
    ]


def test_a_watch_yields_the_job_until_it_has_ended(run: Run) -> None:
    states = [Says(200, job(status)) for status in ("staging", "transporting", "completed")]
    with service(states[0], DROPS, *states[1:]) as server:
        seen = [one.status for one in run(server, "watch", JOB_ID, interval=0.001)]
    assert seen == ["staging", "transporting", "completed"]


def test_an_estimate_and_a_receipt_are_typed(run: Run) -> None:
    estimate = {"rows": 1200, "chunks": 2, "bytes": 9, "first_rows": [{"a": 1}], "warnings": []}
    receipt = {
        "job_id": JOB_ID,
        "status": "completed",
        "unload": {"query_id": "q", "rows": 1, "chunks": 1, "bytes": 1},
        "destinations": [],
        "balanced": True,
    }
    chunks = b'{"chunk":0,"file":"f","rows":1,"bytes":1,"crc32c":"c","deliveries":[]}\n'
    with service(Says(200, estimate), Says(200, receipt), Says(200, chunks)) as server:
        assert run(server, "estimate", NEW).rows == 1200
        assert run(server, "receipt", JOB_ID).balanced
        assert [chunk.rows for chunk in run(server, "receipt_chunks", JOB_ID)] == [1]


@pytest.mark.parametrize("job_id", ["", ".", ".."])
def test_what_is_no_jobs_id_reaches_no_other_path(run: Run, job_id: str) -> None:
    with service() as server, pytest.raises(ValueError, match="Give a job's id"):
        run(server, "cancel", job_id)
    assert server.asked == []
