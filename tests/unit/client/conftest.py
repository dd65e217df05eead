"""What all tests of the command line need."""

from pathlib import Path

import pytest

from tests.unit.client.program import Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No profile and no environment of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("BACKFILLS_URL", raising=False)
    monkeypatch.setenv("BACKFILLS_API_KEY", "key")
