"""Keeps several jobs of every kind running at once, generated from a seed."""

import random
import threading
from types import TracebackType
from typing import Self

from tests.reliability.chaos.errand import Errand, Fate, Plan
from tests.reliability.chaos.ground import SLICES, Ground
from tests.reliability.places import KINDS

_MOST_SECONDS = 8.0
_MOST_SLICES_TO_SNS = 2


class Traffic:
    """While it is entered, each of ``lanes`` threads starts a job whenever its last one is at rest.

    After that ``wait_for_rest`` waits for the running jobs. ``errands``: all jobs, in the order of their
    start.
    """

    def __init__(self, ground: Ground, chance: random.Random, lanes: int) -> None:
        self.errands: list[Errand] = []
        self._ground = ground
        self._chance = chance
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._given_up = threading.Event()
        self._threads = [threading.Thread(target=self._run, name=f"lane {each}") for each in range(lanes)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if error is not None:
            self._given_up.set()

    def wait_for_rest(self, seconds: float) -> None:
        """Wait for the running jobs; stop watching those that take longer."""
        timer = threading.Timer(seconds, self._given_up.set)
        timer.start()
        for thread in self._threads:
            thread.join()
        timer.cancel()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._next().run()

    def _next(self) -> Errand:
        with self._lock:
            errand = Errand(self._ground, plan(self._chance), self._given_up.is_set)
            self.errands.append(errand)
            return errand


def plan(chance: random.Random) -> Plan:
    """Return a job of any kind."""
    topics, hook = chance.choice([(1, True), (1, True), (2, True), (1, False), (2, False), (0, True)])
    slices = tuple(sorted(chance.sample(range(SLICES), chance.randint(1, SLICES))))
    # Moto's queues are too slow for more messages.
    possible = KINDS if len(slices) <= _MOST_SLICES_TO_SNS else [kind for kind in KINDS if kind != "sns"]
    kinds = chance.sample(possible, chance.choice((0, 0, 1, 1, 2, len(possible))))
    fates = (
        [Fate.LEFT_ALONE] * 6 + [Fate.CANCELLED] * 2 + [Fate.PAUSED] * 2 + ([Fate.REFUSED] if hook else [])
    )
    fate = chance.choice(fates)
    return Plan(
        slices=slices,
        topics=topics,
        hook=hook,
        kinds=tuple(sorted(kinds)),
        at_least_once=topics > 0 and chance.random() < 0.2,
        fate=fate,
        after=chance.uniform(0.0, _MOST_SECONDS),
        pause=chance.uniform(0.0, _MOST_SECONDS),
        parallel=chance.choice((None, None, 1, 2)),
    )
