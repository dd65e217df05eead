"""One process of the local stack, with its own process group and log. It ends with the stack."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


class Process:
    """A command that runs at most once at a time; ``pid`` leads a process group with all its children.

    The kernel ends the process when the thread that called ``start`` ends. Therefore call ``start`` only from
    threads that live as long as the process must.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]
        self._environment = dict(environment)
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start the process and append its output to the log."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # only the supervisor must get the terminal's Ctrl-C
            )

    @property
    def pid(self) -> int | None:
        return self._popen.pid if self._popen else None

    @property
    def exit_code(self) -> int | None:
        """The exit code: None while it runs and before its first start; -N if signal N ended it."""
        return self._popen.poll() if self._popen else None

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if any process of it is left."""
        if self._popen is None:
            return
        try:
            os.killpg(self._popen.pid, number)
        except ProcessLookupError:
            return

    def end(self, grace: float = 0.0) -> None:
        """Give the leader ``grace`` seconds to end by itself, then send SIGKILL to the rest of the group.

        Call this also after the leader's death: a web server's worker outlives it for about a second and
        holds the port.
        """
        if self._popen is None:
            return
        deadline = time.monotonic() + grace
        while self.running and time.monotonic() < deadline:
            time.sleep(0.01)
        self.signal(signal.SIGKILL)
        self._popen.wait()

    def output(self) -> str:
        """Return its output since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")
