"""The command line's messages and exit codes for wrong usage and refused requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.program import CREATE, Program, at
from tests.unit.client.service import DROPS, HANGS, JOB_ID, RESETS, Says, service

pytestmark = pytest.mark.usefixtures("nobody")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("job.json", "{", "not JSON"),
        ("job.json", '{"a": 1, "a": 2}', "twice"),
        ("job.json", '{"a": NaN}', "not finite"),
        ("job.json", "[" * 100_000, "nested"),
        ("job.yaml", "a: [", "line 1"),
        ("job.yaml", "a: 1\na: 2", "twice"),
        ("job.yaml", "a: !!timestamp 2026-03-01", "timestamp"),
        ("job.yaml", "a: !!float .nan", "not finite"),
        ("job.yaml", "a: !!python/object:os.system {}", "python"),
        ("job.yaml", "- a", "object"),
        ("job.yaml", "", "object"),
    ],
)
def test_a_file_that_is_no_request_is_refused_with_the_reason(
    program: Program, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    assert program("create", "-f", str(tmp_path / name), "--dry-run") == 2
    assert says in program.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "-f", "/nowhere/job.yaml"], "cannot be read"),
        (["create", "--to", "kafka"], "TYPE:NAME"),
        (["create", "--to", "{"], "not JSON"),
        (["create", "--to", "kafka:a,delivery"], "NAME=TEXT"),
        (["create", "--filter", "a:=x"], "not JSON"),
        (["create", "--filter", "a=1", "--filter", "b=2"], "one column"),
        (["get", ".."], "job's id"),
        (["get"], "JOB_ID"),
        (["list", "--status", "done"], "staging"),
        (["nothing"], "nothing"),
    ],
)
def test_wrong_usage_is_2(program: Program, arguments: list[str], says: str) -> None:
    assert program(*arguments) == 2
    assert says in program.err


@pytest.mark.parametrize(
    ("says", "code", "words"),
    [
        (Says(401, {"detail": "Give an API key"}), 3, "Give an API key"),
        (Says(404, {"detail": "No such job"}), 3, "No such job"),
        (Says(409, {"detail": "It has failed"}), 3, "It has failed"),
        (Says(429, {"detail": "Too many"}, {"Retry-After": "600"}), 3, "Too many\nTry again in 600 s."),
        (Says(503, {"detail": "Firestore is away"}, {"Retry-After": "600"}), 4, "Firestore is away"),
        (Says(200, b"<html>Welcome</html>"), 4, "<html>Welcome</html>"),
        (Says(404, b"<html>\x1b[2J</html>"), 4, "not come from the service"),
        (HANGS, 4, "No answer"),
        (DROPS, 4, "No answer"),
        (RESETS, 4, "No answer"),
    ],
)
def test_what_the_service_says_is_told_with_its_code(
    program: Program, monkeypatch: pytest.MonkeyPatch, says: Says, code: int, words: str
) -> None:
    monkeypatch.setattr("backfills.cli.common.TRIES", 1)
    with service(says, says) as server:
        at(server, monkeypatch)
        assert program("get", JOB_ID, "--timeout", "0.3") == code
        assert words in program.err
        assert program.out == ""
        assert "\x1b" not in program.err
        assert program("get", JOB_ID, "--timeout", "0.3", "--json") == code
        assert json.loads(program.err)["exit_code"] == code


def test_each_fault_is_told_with_its_field(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    detail = [
        {"loc": ["body", "backfill_window", "start"], "msg": "Give a time", "type": "x"},
        {"loc": ["body", "destinations", 0, "url"], "msg": "Give https", "type": "x"},
    ]
    with service(Says(422, {"detail": detail}), Says(422, {"detail": detail})) as server:
        at(server, monkeypatch)
        assert program(*CREATE) == 3
        assert "  backfill_window.start: Give a time\n  destinations.0.url: Give https\n" in program.err
        assert program(*CREATE, "--json") == 3
        assert json.loads(program.err)["detail"] == detail


def test_a_create_without_an_answer_tells_how_to_repeat_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfills.cli.common.TRIES", 1)
    with service(DROPS) as server:
        at(server, monkeypatch)
        assert program(*CREATE) == 4
    assert f"--idempotency-key {server.asked[0].headers['Idempotency-Key']}," in program.err


def test_nobody_there_is_4(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backfills.cli.common.TRIES", 1)
    monkeypatch.setenv("BACKFILLS_URL", "http://127.0.0.1:1")
    assert program("list") == 4


@pytest.mark.parametrize("url", ["ftp://h", "nonsense", "https://u:p@h"])
def test_a_url_that_is_none_is_2(program: Program, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BACKFILLS_URL", url)
    assert program("list") == 2
    assert "https://host" in program.err


def test_a_fault_of_the_program_is_told_as_one(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise KeyError("gone")

    monkeypatch.setattr("backfills.cli.profiles.access", breaks)
    assert program("list") == 70
    assert "report" in program.err
