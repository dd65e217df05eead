"""The client library and its command line against the real stack: every call of both."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backfills import AsyncClient, Client, Filter, NewBackfill, Window
from backfills.cli import main
from backfills.errors import Conflict, Invalid, KeyRefused, NotFound
from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Receiver, Reply
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 500
UNKNOWN = "6f1c2d7e-3b52-4c1b-9a56-0d6f4c8e2a11"


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "with-client")


@pytest.fixture
def library(organization: Organization) -> Iterator[Client]:
    with Client(organization.client.api_url, organization.client.api_key) as client:
        yield client


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' ids."""
    return warehouse.create_hashes("BY_CLIENT", ROWS)


def new(table: str, *destinations: dict[str, Any], values: list[str] | None = None) -> NewBackfill:
    return NewBackfill(
        job_name="With the client",
        table=table,
        backfill_window=Window(start="2026-03-01T00:00:00", end="2026-04-01T00:00:00"),
        filter=None if values is None else Filter(column="unique_id", values=list(values)),
        destinations=list(destinations) or [{"type": "kafka", "name": "by-client"}],
    )


def test_a_job_is_estimated_created_watched_and_accounted_for(
    library: Client, organization: Organization, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    body = new(name, values=ids[:300])
    assert library.estimate(body).rows == 300
    created = library.create(body, idempotency_key="once")
    assert library.create(body, idempotency_key="once") == created
    *_, last = library.watch(created.job_id, interval=0.1)
    assert (last.status, last.progress.rows_done, last.progress.rows_total) == ("completed", 300, 300)
    assert library.get(created.job_id) == last
    assert [job.job_id for job in library.list("completed")] == [created.job_id]
    receipt = library.receipt(created.job_id)
    assert (receipt.balanced, receipt.unload.rows) == (True, 300)
    assert sum(chunk.rows for chunk in library.receipt_chunks(created.job_id)) == 300
    assert {row["unique_id"] for row in organization.rows("by-client")} == set(ids[:300])


def test_a_job_is_paused_resumed_and_cancelled(
    library: Client, warehouse: Warehouse, table: tuple[str, list[str]]
) -> None:
    with warehouse.slow_unloads(60):
        job_id = library.create(new(table[0])).job_id
        assert library.pause(job_id).paused
        assert not library.resume(job_id).paused
        with pytest.raises(Conflict):
            library.receipt(job_id)
        assert library.cancel(job_id).status == "cancelled"


def test_a_failed_job_is_retried(library: Client, table: tuple[str, list[str]]) -> None:
    with Receiver(Reply(410)) as receiver:
        job_id = library.create(new(table[0], {"type": "webhook", "name": "w", "url": receiver.url})).job_id
        *_, failed = library.watch(job_id, interval=0.1)
        assert failed.status == "failed"
        assert "410" in (failed.error_message or "")
        assert library.retry(job_id).status == "transporting"
        *_, done = library.watch(job_id, interval=0.1)
    assert (done.status, done.progress.rows_done) == ("completed", ROWS)


def test_refusals_have_their_kinds(library: Client, organization: Organization) -> None:
    with pytest.raises(NotFound):
        library.get(UNKNOWN)
    with pytest.raises(Invalid) as caught:
        library.create({"job_name": "", "table": "base.assets.t", "surplus": 1})
    places = {fault.loc for fault in caught.value.faults}
    assert {("body", "job_name"), ("body", "backfill_window"), ("body", "surplus")} <= places
    with Client(organization.client.api_url, "unknown") as stranger, pytest.raises(KeyRefused):
        list(stranger.list())


def test_many_watchers_see_one_job_end(organization: Organization, table: tuple[str, list[str]]) -> None:
    async def run() -> set[str]:
        async with AsyncClient(organization.client.api_url, organization.client.api_key) as client:
            job_id = (await client.create(new(table[0]))).job_id

            async def watched() -> str:
                return [job.status async for job in client.watch(job_id, interval=1.0)][-1]

            return set(await asyncio.gather(*(watched() for _ in range(20))))

    assert asyncio.run(run()) == {"completed"}


class Program:
    """The command line with the organization's key."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run it and return its standard output."""
        found = main(arguments)
        printed = self._capsys.readouterr()
        assert found == code, printed
        return printed.out if code < 3 else printed.err

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def program(
    organization: Organization,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Program:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BACKFILLS_URL", organization.client.api_url)
    monkeypatch.setenv("BACKFILLS_API_KEY", organization.client.api_key)
    return Program(capsys)


def test_the_command_line_takes_a_file_to_its_receipt(
    program: Program, table: tuple[str, list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(
        f"job_name: From a file\ntable: {table[0]}\n"
        "backfill_window: {start: 2026-03-01T00:00:00, end: 2026-04-01T00:00:00}\n"
        "destinations:\n  - {type: kafka, name: from-file}\n"
    )
    assert program.json("estimate", "-f", str(file))["rows"] == ROWS
    printed = program("create", "-f", str(file), "--estimate", "--watch", "--interval", "0.1").splitlines()
    job_id = printed[0]
    assert printed[-1].startswith(f"completed: {ROWS} rows in ")
    assert program.json("get", job_id)["status"] == "completed"
    assert [job["job_id"] for job in program.json("list", "--status", "completed")] == [job_id]
    assert program.json("receipt", job_id)["balanced"] is True
    chunks = program("receipt", job_id, "--chunks", "--json").splitlines()
    assert sum(json.loads(chunk)["rows"] for chunk in chunks) == ROWS
    assert "Equal: every destination has every row" in program("verify", job_id)
    page = call("GET", program.json("open", job_id)["url"])
    assert (page.status, b"<html" in page.data) == (200, True)
    assert "only a failed job can be retried" in program("retry", job_id, code=3)


def test_the_command_line_steers_a_job(
    program: Program, warehouse: Warehouse, table: tuple[str, list[str]]
) -> None:
    window = ["--start", "2026-03-01T00:00:00", "--end", "2026-04-01T00:00:00"]
    flags = ["--table", table[0], *window, "--name", "n", "--to", "kafka:k"]
    with warehouse.slow_unloads(60):
        job_id = program("create", *flags).strip()
        assert program.json("pause", job_id)["paused"] is True
        assert program.json("resume", job_id)["paused"] is False
        assert program.json("cancel", job_id)["status"] == "cancelled"
    assert "cancelled" in program("watch", job_id, code=1)


def test_the_command_line_names_the_chunk_that_a_failed_job_lacks(
    program: Program, library: Client, table: tuple[str, list[str]]
) -> None:
    with Receiver(Reply(410)) as receiver:
        broken = {"type": "webhook", "name": "lacks", "url": receiver.url}
        job_id = library.create(new(table[0], {"type": "kafka", "name": "has"}, broken)).job_id
        *_, failed = library.watch(job_id, interval=0.1)
    assert failed.status == "failed"
    told = program("verify", job_id, code=1)
    assert f"chunk 0, {ROWS} rows: webhook lacks does not have it yet" in told
    assert "Different" in told


def test_the_command_line_tells_each_fault_with_its_field(program: Program) -> None:
    told = program("create", "--table", "base.assets.t", "--name", "n", "--to", "kafka:k", code=3)
    assert "  backfill_window: " in told
    assert "kafka" not in told


def test_login_asks_the_real_service(
    program: Program, organization: Organization, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.txt"
    monkeypatch.delenv("BACKFILLS_API_KEY")
    for text, code in (("wrong", 3), (organization.client.api_key, 0)):
        key.write_text(text)
        with key.open() as opened:
            monkeypatch.setattr("sys.stdin", opened)
            program("login", code=code)
    assert program.json("list") == []
