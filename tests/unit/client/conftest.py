"""Fixtures of the command line's tests."""

from pathlib import Path

import pytest

from tests.unit.client.program import Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the developer's own profile and environment."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("BACKFILLS_URL", raising=False)
    monkeypatch.setenv("BACKFILLS_API_KEY", "key")
