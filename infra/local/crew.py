"""The processes of a stack: wait until they are ready, restart functions that die, stop all of them."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.parts import Part
from infra.local.process import Process

_LOOK_AGAIN = 0.03
_GRACE = 4.0  # seconds between SIGTERM and SIGKILL
_TAIL = 25  # lines of a log in a failure's text


class StackFailure(Exception):  # noqa: N818 - named for what happened
    """A part did not start, or it died; the message has its name and the end of its log."""


class Crew:
    """Start it from a thread that outlives it. After ``keep``, a separate thread detects dead processes."""

    def __init__(self, logs: Path, ready_limit: float, revived: Callable[[], None]) -> None:
        """``ready_limit`` is in seconds; ``revived`` is called after an automatic restart of a part."""
        self.failed = threading.Event()
        self.failure = ""
        self._logs = logs
        self._ready_limit = ready_limit
        self._revived = revived
        self._parts: dict[str, Part] = {}
        self._processes: dict[str, Process] = {}
        self._down_on_purpose: set[str] = set()
        self._changing = threading.RLock()
        self._stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    def run(self, part: Part) -> None:
        """Start a part's process."""
        process = Process(part.command, part.environment, self._logs / f"{part.name}.log")
        self._parts[part.name] = part
        self._processes[part.name] = process
        process.start()

    def names(self) -> list[str]:
        return list(self._processes)

    def pid(self, name: str) -> int | None:
        return self._processes[name].pid

    def wait_ready(self, name: str) -> None:
        """Wait until a part is ready; ``StackFailure`` if it dies or takes too long."""
        part, process = self._parts[name], self._processes[name]
        deadline = time.monotonic() + self._ready_limit
        while not (process.running and part.ready(process)):
            if self._stopping.is_set():
                raise StackFailure("the stack is being stopped")
            if not (process.running or self._will_revive(name)):
                raise self.blame(name, f"ended with status {process.exit_code}")
            if time.monotonic() > deadline:
                raise self.blame(name, f"was not ready after {self._ready_limit:.0f} s")
            time.sleep(_LOOK_AGAIN)

    def blame(self, name: str, what: str) -> StackFailure:
        """Return a failure that names a part and shows the end of its log."""
        process = self._processes[name]
        tail = "\n".join(process.output().splitlines()[-_TAIL:])
        return StackFailure(f"{name} {what}. The end of {process.log}:\n{tail}")

    def keep(self) -> None:
        """From now on restart functions as soon as they die, and detect the death of other parts."""
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def kill(self, name: str) -> None:
        """Send SIGKILL. Functions and the dispatcher restart at once. Other parts need ``restart``."""
        with self._changing:
            if not self._parts[name].restarts:
                self._down_on_purpose.add(name)
            self._processes[name].end()

    def end(self, name: str) -> None:
        """Send the part's own signal to end, and SIGKILL if it takes longer than a start may take."""
        with self._changing:
            self._down_on_purpose.add(name)
            self._processes[name].signal(self._parts[name].stop_signal)
            self._processes[name].end(grace=self._ready_limit)

    def pause(self, name: str) -> None:
        """Send SIGSTOP: the part keeps its connections and answers nothing."""
        self._processes[name].signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._processes[name].signal(signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Kill a part, start it again on its port, wait until it is ready."""
        with self._changing:
            self.kill(name)
            if name in self._down_on_purpose:
                self._down_on_purpose.discard(name)
                self._processes[name].start()
        self.wait_ready(name)

    def interrupt(self) -> None:
        """Make every wait fail at once."""
        self._stopping.set()

    def stop(self) -> None:
        """End every process: SIGTERM, then SIGKILL to the whole group of whatever is left."""
        self._stopping.set()
        if self._keeper:
            self._keeper.join()
        for name, process in self._processes.items():
            process.signal(self._parts[name].stop_signal)
            process.signal(signal.SIGCONT)  # a paused process would not notice the next signal
        deadline = time.monotonic() + _GRACE
        for process in self._processes.values():
            process.end(grace=deadline - time.monotonic())

    def _keep(self) -> None:
        try:
            self._keep_going()
        except OSError as error:  # the folder is gone, or no process can be started any more
            self.failure = f"the stack can't keep running: {error}"
            self.failed.set()

    def _keep_going(self) -> None:
        while not self._stopping.wait(_LOOK_AGAIN):
            with self._changing:
                for name, process in self._processes.items():
                    if not process.running and name not in self._down_on_purpose:
                        self._found_dead(name, process)

    def _found_dead(self, name: str, process: Process) -> None:
        process.end()  # ends the whole group, because a remaining worker would hold the port
        if self._parts[name].restarts:
            process.start()
            self._revived()
        else:
            self._down_on_purpose.add(name)
            self.failure = str(self.blame(name, f"died with status {process.exit_code}"))
            self.failed.set()

    def _will_revive(self, name: str) -> bool:
        return self._keeper is not None and self._parts[name].restarts
