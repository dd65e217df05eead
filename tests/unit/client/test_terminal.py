"""A watch on a real terminal, in a separate process."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.client.service import JOB_ID, Asked, Says, job, serving

CLIENT = Path(__file__).parents[3] / "client/src"
SECONDS = 60
STATE = {"status": "delivering", "chunks_done": 1, "rows_done": 600, "last_error": "410 from the receiver"}
PLACES = [{"type": "webhook", "name": "ledger", "uid": "u1", "state": STATE}]
RUNS = Says(200, job(destinations=PLACES))


# `python -m backfills`. Tests in a script's background ignore Ctrl-C, and so would their children.
_PROGRAM = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("backfills", run_name="__main__", alter_sys=True)
"""


@dataclass
class Terminal:
    """A process on a terminal, and its output there."""

    process: "subprocess.Popen[bytes]"
    end: int
    printed: bytes = field(default=b"")

    def read_until(self, condition: Callable[[bytes], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition(self.printed):
            assert time.monotonic() < deadline, self.printed
            try:
                self.printed += os.read(self.end, 65_536)
            except OSError:  # the process has closed its end
                assert condition(self.printed), self.printed

    def wait(self) -> int:
        """Return the exit code."""
        try:
            while part := os.read(self.end, 65_536):
                self.printed += part
        except OSError:
            pass  # the process has closed its end
        os.close(self.end)
        return self.process.wait(SECONDS)


@contextmanager
def watching(url: str, **environment: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "TERM"}}
    process = subprocess.Popen(  # noqa: S603 - the program under test
        [sys.executable, "-c", _PROGRAM, "watch", JOB_ID, "--interval", "0.05"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={
            **clean,
            "PYTHONPATH": str(CLIENT),
            "PYTHONIOENCODING": "utf-8",
            "TERM": "xterm",
            "BACKFILLS_URL": url,
            "BACKFILLS_API_KEY": "key",
            **environment,
        },
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_leaves_the_job_alone_and_says_so() -> None:
    with serving(lambda _: RUNS) as server, watching(server.url) as terminal:
        terminal.read_until(lambda text: text.count(b"50 %") > 1)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.wait() == 130
    text = terminal.printed.decode()
    assert "The job continues" in text
    assert f"backfills watch {JOB_ID}" in text
    assert "Traceback" not in text
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_progress_is_drawn_over_and_coloured_only_where_wanted(
    environment: dict[str, str], *, coloured: bool
) -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Says:
        seen.append(asked)
        return RUNS if len(seen) < 4 else Says(200, job("completed"))

    with serving(answer) as server, watching(server.url, **environment) as terminal:
        assert terminal.wait() == 0
    text = terminal.printed.decode()
    assert "700 of 1,200 rows, 1 of 2 chunks" in text
    assert "█" * 10 + "░" * 10 + "  50 %" in text
    assert "410 from the receiver" in text
    assert f"backfills pause {JOB_ID}" in text
    assert "\x1b[7A" in text  # the second picture goes over the first
    assert ("\x1b[36m" in text) == coloured
