"""Kill working processes and pause their dependencies, at random from a seed."""

import contextlib
import random
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.options import BACKENDS, EXTRAS, FUNCTIONS
from infra.local.supervisor import LocalStack

_ESTABLISHED = "01"  # in /proc/net/tcp
_KILL_PAUSES = (0.2, 0.3, 0.4, 0.6, 1.0)  # seconds between two kills
# How long a process may work, as multiples of its recovery time after its last kill. If every process were
# killed at once, none would make progress on a slow machine.
_REPRIEVES = (0.0, 0.25, 1.0, 2.0)
_FREEZE_PAUSES = (3.0, 8.0)  # minimum and maximum seconds between two pauses of parts
_FREEZES = (0.5, 4.0)
# A killed dispatcher's messages are redelivered only after ten seconds.
_DISPATCHER_CHANCE = 0.04
_LOOK_AGAIN = 0.05


class Havoc:
    """Kills and pauses parts while it is entered. ``kills`` and ``pauses`` by the name of the part."""

    def __init__(self, stack: LocalStack, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self.pauses: Counter[str] = Counter()
        self._stack = stack
        self._ended = threading.Event()
        seeds = chance.getrandbits(64), chance.getrandbits(64)
        self._threads = [
            threading.Thread(target=run, args=(random.Random(seed),), name=run.__name__)  # noqa: S311 - repeatable
            for run, seed in zip((self._kill, self._freeze), seeds, strict=True)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _kill(self, chance: random.Random) -> None:
        killed: dict[str, float] = {}
        safe_until: dict[str, float] = {}
        next_kill = 0.0
        while not self._ended.wait(_LOOK_AGAIN):
            now = time.monotonic()
            working = sorted(at_work(self._stack))
            for name in working:
                if name in killed:
                    safe_until[name] = now + chance.choice(_REPRIEVES) * (now - killed.pop(name))
            victims = [name for name in working if safe_until.get(name, 0.0) <= now]
            if now < next_kill or not victims:
                continue
            next_kill = now + chance.choice(_KILL_PAUSES)
            victim = chance.choice(victims)
            if victim != "dispatcher" or chance.random() < _DISPATCHER_CHANCE:
                self._stack.kill(victim)
                killed[victim] = time.monotonic()
                self.kills[victim] += 1

    def _freeze(self, chance: random.Random) -> None:
        parts = sorted({*BACKENDS, *EXTRAS.values()})
        while not self._ended.wait(chance.uniform(*_FREEZE_PAUSES)):
            part = chance.choice(parts)
            self._stack.pause(part)
            try:
                self._ended.wait(chance.uniform(*_FREEZES))
            finally:
                self._stack.resume(part)
            self.pauses[part] += 1


def at_work(stack: LocalStack) -> set[str]:
    """Return the functions with a request in progress, and the dispatcher while it waits for one of them.

    Nothing keeps a connection to a function open, so each existing one is a request.
    """
    connected = set()
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == _ESTABLISHED:
                connected.add(int(local.partition(":")[2], 16))
    working = {name for name in FUNCTIONS if stack.layout.ports[name] in connected}
    return working | ({"dispatcher"} if working & {"stage", "deliver", "dead_letter"} else set())
