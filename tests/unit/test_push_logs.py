"""Logs: one JSON object a line, as Cloud Logging reads them."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from shared.bootstrap.logs import configure, log


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("backfills").setLevel(logging.NOTSET)


def test_an_entry_is_one_line_with_its_own_keys(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log(logging.INFO, "the message is handled", {"job_id": "job", "chunk": 3})
    [line] = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert datetime.fromisoformat(entry.pop("time")).tzinfo is UTC
    assert entry == {
        "severity": "INFO",
        "message": "the message is handled",
        "logger": "backfills",
        "job_id": "job",
        "chunk": 3,
    }


def test_an_error_carries_its_trace_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    log(logging.ERROR, "it could not be handled", {}, error=ValueError("two\nlines"))
    [line] = capsys.readouterr().out.splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["stack_trace"]


def test_vendors_clients_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logging.getLogger("google.cloud").info("chatter")
    logging.getLogger("google.cloud").warning("trouble")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["severity"] == "WARNING"
