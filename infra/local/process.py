"""One process of the local stack: its own process group, its own log, ended with the stack."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


class Process:
    """A command that runs at most once at a time; ``pid`` leads a process group of all its children.

    The kernel ends it when the thread that called ``start`` ends: call that only from threads that live as
    long as the process shall.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]
        self._environment = dict(environment)
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for the supervisor alone
            )

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it was first started; -N if signal N ended it."""
        return self._popen.poll() if self._popen else None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if any of it is left."""
        if self._popen is None:
            return
        try:
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            return

    def end(self, grace: float = 0.0) -> None:
        """Give its leader ``grace`` seconds to end by itself, then SIGKILL what is left of the group.

        Also after a leader's death: a web server's worker outlives it for about a second and holds the
        port meanwhile.
        """
        if self._popen is None:
            return
        deadline = time.monotonic() + grace
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)
        self.signal(signal.SIGKILL)
        self._popen.wait()

    def output(self) -> str:
        """What it has written since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
