"""The command line: its requests, its output, and its exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.program import CREATE, CREATED, DAY, Program, at
from tests.unit.client.service import JOB_ID, Says, job, service

pytestmark = pytest.mark.usefixtures("nobody")

BODY = {
    "table": "base.assets.t",
    "job_name": "One day",
    "backfill_window": {
        "partition_key": "block_timestamp",
        "start": "2026-03-01T00:00:00",
        "end": "2026-03-02T00:00:00",
    },
    "destinations": [{"type": "kafka", "name": "transfers"}],
}
ESTIMATE = {"rows": 1200, "chunks": 2, "bytes": 9000, "first_rows": [], "warnings": ["ends in the future"]}
STATE = {"status": "delivering", "chunks_done": 1, "rows_done": 700, "last_error": None}


def with_state(status: str = "transporting", **state: Any) -> dict[str, Any]:
    places = [{"type": "webhook", "name": "ledger", "uid": "u1", "state": STATE | state}]
    return job(status, destinations=places)


def test_flags_make_the_request_and_the_jobs_id_is_all_that_is_printed(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(CREATED) as server:
        at(server, monkeypatch)
        assert program(*CREATE, "--idempotency-key", "mine") == 0
    assert (program.out, program.err) == (f"{JOB_ID}\n", "")
    assert json.loads(server.asked[0].body) == BODY
    assert server.asked[0].headers["Idempotency-Key"] == "mine"
    assert server.asked[0].headers["X-API-Key"] == "key"


def test_every_flag_of_a_backfill_arrives(program: Program) -> None:
    flags = [
        *("--table", "t", "--partition-key", "block", "--start", "17", "--end", "18", "--name", "n"),
        *("--filter", "a=x=y", "--filter", "a:=7", "--column", "a", "--column", "b=c", "--static-egress-ip"),
        *("--max-parallel-chunks", "3", "--oversized-rows", "skip"),
        *("--to", "webhook:w,url=https://h/?a=b,batch_rows:=10", "--to", '{"type": "nats", "name": "n"}'),
    ]
    assert program("create", "--dry-run", *flags) == 0
    assert json.loads(program.out) == {
        "table": "t",
        "job_name": "n",
        "backfill_window": {"partition_key": "block", "start": 17, "end": 18},
        "filter": {"column": "a", "values": ["x=y", 7]},
        "columns": ["a", {"column": "b", "as": "c"}],
        "static_egress_ip": True,
        "max_parallel_chunks": 3,
        "oversized_rows": "skip",
        "destinations": [
            {"type": "webhook", "name": "w", "url": "https://h/?a=b", "batch_rows": 10},
            {"type": "nats", "name": "n"},
        ],
    }


def test_yaml_means_what_json_would(program: Program, tmp_path: Path) -> None:
    """By YAML's own rules the address would be a number, ``no`` false and the time not a string."""
    text = (
        "job_name: no\nstatic_egress_ip: true\n"
        "backfill_window: {start: 2026-03-01T00:00:00, end: 2026-03-02}\n"
        "filter:\n  column: token\n  values:\n    - 0x833589fcd6edb6e08f4c7c32d4f71b54bda02913\n"
        "max_parallel_chunks: 3\n"
    )
    file = tmp_path / "job.yaml"
    file.write_text(text)
    assert program("create", "-f", str(file), "--dry-run", "--name", "mine") == 0
    assert json.loads(program.out) == {
        "job_name": "mine",
        "static_egress_ip": True,
        "backfill_window": {
            "partition_key": "block_timestamp",
            "start": "2026-03-01T00:00:00",
            "end": "2026-03-02",
        },
        "filter": {"column": "token", "values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"]},
        "max_parallel_chunks": 3,
    }


def test_an_empty_list_in_a_file_is_sent(program: Program, tmp_path: Path) -> None:
    """The service refuses it. Without ``columns``, the job would export all of them."""
    empty = {"columns": [], "destinations": [], "filter": {"column": "token", "values": []}}
    file = tmp_path / "job.json"
    file.write_text(json.dumps(empty))
    assert program("create", "-f", str(file), "--dry-run") == 0
    assert json.loads(program.out) == empty


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 1)])
def test_a_watch_ends_as_its_job_does(
    program: Program, monkeypatch: pytest.MonkeyPatch, status: str, code: int
) -> None:
    ended = job(status, error_message="The receiver answers 410")
    with service(CREATED, Says(200, job()), Says(200, ended)) as server:
        at(server, monkeypatch)
        assert program(*CREATE, "--watch", "--interval", "0.05") == code
    first, last = program.out.splitlines()[:2]
    assert (first, last) == (JOB_ID, f"{status}: 700 rows in 1 chunks")
    assert ("The receiver answers 410" in program.out) == (status == "failed")
    assert (f"backfills retry {JOB_ID}" in program.out) == (status == "failed")


def test_a_watch_in_json_is_a_line_for_each_change(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [job("staging"), job("staging"), job(), job("completed")]
    with service(*(Says(200, state) for state in states)) as server:
        at(server, monkeypatch)
        assert program("watch", JOB_ID, "--json", "--interval", "0.05") == 0
    lines = [json.loads(line) for line in program.out.splitlines()]
    assert [line["status"] for line in lines] == ["staging", "transporting", "completed"]


def test_an_estimate_goes_before_a_create_and_beside_its_result(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(Says(200, ESTIMATE), CREATED) as server:
        at(server, monkeypatch)
        assert program(*CREATE, "--estimate") == 0
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["estimate", "backfills"]
    assert program.out == f"{JOB_ID}\n"
    assert "1,200 rows" in program.err
    assert "Warning: ends in the future" in program.err


def test_an_estimate_shows_its_cost_and_in_json_what_the_service_sent(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"low": 0.5, "high": 1.5}
    about = {"currency": "USD", "prices_of": "2026-01", "assumptions": [], "later": 1}
    priced = {**ESTIMATE, "cost": {**about, **part, "parts": {"egress": part}}}
    with service(Says(200, priced), Says(200, priced), Says(200, ESTIMATE)) as server:
        at(server, monkeypatch)
        assert program("estimate", *DAY) == 0
        assert "Cost: 0.5 to 1.5 USD" in program.out
        for sent in (priced, ESTIMATE):
            assert program("estimate", *DAY, "--json") == 0
            assert json.loads(program.out) == sent


def test_a_dry_run_sends_no_more_than_the_estimate(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(Says(200, ESTIMATE)) as server:
        at(server, monkeypatch)
        assert program(*CREATE, "--estimate", "--dry-run") == 0
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["estimate"]
    assert json.loads(program.out) == BODY


@pytest.mark.parametrize("name", ["get", "cancel", "retry", "pause", "resume"])
def test_one_jobs_commands_show_it(program: Program, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    hurt = with_state(last_error="410 from\x1b[2J the receiver")
    with service(Says(200, hurt), Says(200, hurt)) as server:
        at(server, monkeypatch)
        assert program(name, JOB_ID) == 0
        assert "webhook ledger: delivering, 700 rows" in program.out
        assert "410 from\N{REPLACEMENT CHARACTER}[2J the receiver" in program.out
        assert f"backfills pause {JOB_ID}" in program.out
        assert program(name, JOB_ID, "--json") == 0
        assert json.loads(program.out)["job_id"] == JOB_ID
    assert server.asked[0].path.endswith(JOB_ID if name == "get" else f"{JOB_ID}/{name}")


def test_a_list_is_cut_where_asked(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [job(), job("failed"), job()]
    with service(Says(200, jobs), Says(200, jobs), Says(200, [])) as server:
        at(server, monkeypatch)
        assert program("list", "--status", "failed", "--limit", "2") == 0
        assert len(program.out.splitlines()) == 3
        assert program("list", "--json", "--limit", "0") == 0
        assert len(json.loads(program.out)) == 3
        assert program("list") == 0
        assert program.out == ""
    assert server.asked[0].path.endswith("?status=failed&order=desc&limit=200")


def test_a_receipt_says_whether_it_balances(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"uid": "u", "type": "kafka", "name": "t", "rows_delivered": 1100, "rows_skipped": 100}
    receipt = {
        "job_id": JOB_ID,
        "status": "completed",
        "unload": {"query_id": "q", "rows": 1200, "chunks": 1, "bytes": 9000},
        "destinations": [{**place, "chunks_delivered": 1, "complete": True}],
        "balanced": True,
    }
    chunk = b'{"chunk":0,"file":"f","rows":1,"bytes":1,"crc32c":"c","deliveries":[]}\n'
    with service(Says(200, receipt), Says(200, chunk), Says(200, chunk)) as server:
        at(server, monkeypatch)
        assert program("receipt", JOB_ID) == 0
        assert "kafka t      1,100      100" in program.out
        assert "The receipt balances" in program.out
        assert program("receipt", JOB_ID, "--chunks") == 0
        assert program.out.startswith("0  1 rows  0 of 0 deliveries done  f")
        assert program("receipt", JOB_ID, "--chunks", "--json") == 0
        assert json.loads(program.out)["crc32c"] == "c"


def test_open_tells_the_consoles_page_and_starts_no_browser_without_a_terminal(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILLS_URL", "https://h/")
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("a browser starts"))
    assert program("open", JOB_ID) == 0
    assert program.out == f"https://h/console/jobs/{JOB_ID}\n"
    assert program("open", "a/../b", "--json") == 0
    assert json.loads(program.out) == {"url": "https://h/console/jobs/a%2F..%2Fb"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_prints_a_script(program: Program, shell: str) -> None:
    assert program("completion", shell) == 0
    assert "_BACKFILLS_COMPLETE" in program.out
