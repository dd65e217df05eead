"""The command line for tests."""

import pytest

from backfills.cli import main
from tests.unit.client.service import JOB_ID, Says, Service

DAY = ["--table", "base.assets.t", "--start", "2026-03-01T00:00:00", "--end", "2026-03-02T00:00:00"]
CREATE = ["create", *DAY, "--name", "One day", "--to", "kafka:transfers"]
CREATED = Says(201, {"job_id": JOB_ID, "workflow_id": "w"})


class Program:
    """Runs the command line and stores its output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = main(arguments)
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return code


def at(server: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("BACKFILLS_URL", server.url)
    return server
