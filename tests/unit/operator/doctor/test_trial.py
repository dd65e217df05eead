"""The doctor's own unload leaves no file behind."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.config import read
from shared.domain.errors import Unavailable
from shared.operator.doctor import trial
from shared.operator.doctor.google import Google
from shared.operator.doctor.secrecy import Secrecy
from shared.operator.doctor.trial import Trial
from shared.operator.doctor.world import World
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement
from tests.fakes.clock import FakeClock
from tests.fakes.files import FakeStagedFiles


class Slow:
    """A query that runs until it is aborted, goes on for three more polls, and then writes its file."""

    def __init__(self, files: FakeStagedFiles, *, down: bool = False) -> None:
        self._files = files
        self._down = down
        self._left: int | None = None
        self._path = ""

    def submit(self, _statement: Statement, tag: str) -> str:
        self._path = f"{tag}data.parquet"
        return "query"

    def state(self, _query_id: str) -> UnloadState:
        if self._left is None:
            return UnloadState.RUNNING
        self._left -= 1
        if self._left == 0:
            self._files.contents[self._path] = b"late"
        return UnloadState.RUNNING if self._left > 0 else UnloadState.FAILED

    def abort(self, _query_id: str) -> None:
        if self._down:
            raise Unavailable("Snowflake")
        self._left = 3


@pytest.mark.parametrize("down", [False, True])
def test_a_query_that_does_not_end_is_aborted_before_its_files_are_removed(
    monkeypatch: pytest.MonkeyPatch, *, down: bool
) -> None:
    files, clock = FakeStagedFiles(), FakeClock()
    slow: Any = Slow(files, down=down)
    monkeypatch.setattr(trial, "Client", lambda **_: SimpleNamespace())
    monkeypatch.setattr(trial, "GcsStagedFiles", lambda *_: files)
    monkeypatch.setattr(trial, "monotonic", clock.monotonic)
    monkeypatch.setattr(trial, "sleep", clock.sleep)
    monkeypatch.setattr(Trial, "unloads", slow)
    environment = {"GOOGLE_CLOUD_PROJECT": "p", "STAGING_BUCKET": "staging", "SNOWFLAKE_STAGE": "A.B.C"}
    world = World(settings=read(environment), interfaces=Google("p"), secrecy=Secrecy(), now=clock.now)
    with pytest.raises(Unavailable) as raised:
        _ = Trial(world).exported
    assert "has not ended after 20 s" in raised.value.detail
    assert {slow.state("query") for _ in range(5)} == {UnloadState.RUNNING if down else UnloadState.FAILED}
    assert files.contents == {}
