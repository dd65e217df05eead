"""Concurrent functions, of which one at a time continues, call by call, as a test decides.

Each runs in its own thread, which stops before every call to a dependency. Races between functions are races
between their calls, so every order of the calls can be played and replayed.
"""

import threading
from collections.abc import Callable
from typing import Any

from shared.domain.errors import Unavailable
from tests.fakes.clock import FakeClock
from tests.fakes.faults import Fault, Faults, Killed

TO_THE_END = 1_000_000


class Process:
    """A running function. ``began`` counts turns; ``error`` is its exception, None after success;
    ``met_trouble``: whether a fault or an outage happened to it; ``before``: the call that it stops before.
    """

    def __init__(self, work: Callable[[], object], *, turns: "Turns", began: int) -> None:
        self.began = began
        self.answer: object = None
        self.error: BaseException | None = None
        self.started = self.ended = self.dead = False
        self.before = ""
        self.wakes = 0.0
        self.met_trouble = False
        self._work = work
        self._turns = turns
        self._calls_left = 0
        self._calls = 0
        self._faults: dict[int, Fault] = {}
        self._may_go, self._stands = threading.Lock(), threading.Lock()
        self._may_go.acquire()
        self._stands.acquire()
        self._thread = threading.Thread(target=self._run, name="process", daemon=True)

    @property
    def asleep(self) -> bool:
        return self.wakes > self._turns.clock.monotonic() and not self.dead

    def strike(self, calls: int, fault: Fault) -> None:
        """Apply the fault after this many more calls."""
        self._faults[self._calls + calls] = fault

    def go_on(self, calls: int) -> None:
        """Let the function make this many calls, or fewer if it ends or sleeps first."""
        if self.asleep or self.ended:
            return
        if not self.started:
            self.started = True
            self._thread.start()
        self._calls_left = calls
        self._turns.running = self
        self._may_go.release()
        self._stands.acquire()
        self._turns.running = None

    def kill(self) -> None:
        self.dead = self.met_trouble = True
        if self.started:
            self.go_on(0)
        else:
            self.ended, self.error = True, Killed()

    def call(self, name: str, method: Callable[[], Any]) -> Any:
        """Make a call to a dependency in turn, with the fault that is due there."""
        self.before = name
        self._stand_still_unless(self._calls_left > 0)
        self._calls_left -= 1
        fault = self._faults.pop(self._calls, None)
        self._calls += 1
        self._turns.made += 1
        if fault is None:
            try:
                self._turns.reach(name)
            except Unavailable:
                self.met_trouble = True
                raise
            return method()
        self._turns.met += 1
        self.met_trouble = True
        if fault in {Fault.LOST_ANSWER, Fault.KILLED_AFTER}:
            method()
        if fault in {Fault.OUTAGE, Fault.LOST_ANSWER}:
            raise Unavailable(name)
        self.dead = True
        raise Killed

    def sleep(self, seconds: float) -> None:
        self.wakes = self._turns.clock.monotonic() + seconds
        self._stand_still_unless(seconds <= 0)

    def _stand_still_unless(self, goes_on: bool) -> None:  # noqa: FBT001 - the name ends where the value begins
        if not goes_on and not self.dead:
            self._stands.release()
            self._may_go.acquire()
        if self.dead:
            raise Killed

    def _run(self) -> None:
        self._may_go.acquire()
        try:
            if not self.dead:
                self.answer = self._work()
        except BaseException as error:  # noqa: BLE001 - the driver checks it in its own thread
            self.error = error
        self.ended = True
        self._stands.release()


class Turns(Faults):
    """Guards the dependencies for World: a call waits until its process has its turn.

    ``down``: the names of dependencies that do not answer; ``part_of``: the dependency of a guarded object.
    ``made`` counts calls, ``met`` those with a fault.
    """

    def __init__(self, clock: FakeClock, part_of: dict[str, str]) -> None:
        super().__init__()
        self.clock = clock
        self.down: set[str] = set()
        self.made = self.met = 0
        self.running: Process | None = None
        self._part_of = part_of

    def call(self, name: str, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self.running is None:
            return method(*arguments, **named)
        return self.running.call(name, lambda: method(*arguments, **named))

    def reach(self, name: str) -> None:
        """Raise Unavailable while the call's dependency is down."""
        part = self._part_of[name.partition(".")[0]]
        if part in self.down:
            raise Unavailable(part)


class TurnClock(FakeClock):
    """Stops while functions run; a sleeping function gives up its turn."""

    turns: Turns

    def sleep(self, seconds: float) -> None:
        assert self.turns.running is not None
        self.turns.running.sleep(seconds)
