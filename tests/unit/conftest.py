"""Fixtures of the unit tests."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.bootstrap.logs import configure
from tests.unit.encoding.readers import READERS, ReadRows

Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """Return the log entries since the last call, as Cloud Logging reads them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    configure("project")

    def entries() -> list[dict[str, Any]]:
        lines = stream.getvalue().splitlines()
        stream.seek(0)
        stream.truncate()
        return [json.loads(line) for line in lines]

    yield entries
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("backfills").setLevel(logging.NOTSET)


@pytest.fixture(params=READERS, scope="session")
def reader(request: pytest.FixtureRequest) -> ReadRows:
    """Return both encoders, in a scope that lets hypothesis draw many examples for each."""
    read: ReadRows = request.param
    return read
