"""Bring jobs to a phase, break one dependency for a while, and then require that everything comes to rest."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from tests.e2e.support.client import wait_until
from tests.reliability.chaos.errand import Errand, Plan
from tests.reliability.faults.ground import PARTS, Trouble, Troubled
from tests.reliability.places import KINDS

_SLICES = (0, 1)
_UNLOAD_SECONDS = 6.0
_WAY_LIMIT = 120.0  # seconds for a job to reach its phase
_LOOK_AGAIN = 0.5
LONG, SHORT, ON_THE_WAY = 30.0, 3.0, 6.0  # seconds of a fault


class Phase(StrEnum):
    """A job's phase when the fault begins."""

    CREATED = "being created"
    UNLOADED = "being unloaded"
    DELIVERED = "being delivered"
    ENDED = "just completed"
    CANCELLED = "being cancelled"


@dataclass(frozen=True, slots=True)
class Trial:
    """``seconds``: the length of the fault."""

    part: str
    trouble: Trouble
    phases: tuple[Phase, ...]
    seconds: float

    def __str__(self) -> str:
        where = "in every phase" if len(self.phases) > 1 else self.phases[0]
        return f"{self.part} {self.trouble} for {self.seconds:g} s, jobs {where}"


def all_trials() -> list[Trial]:
    """Return all trials, long pauses first because they take longest."""
    every = tuple(Phase)
    long = [Trial(part, Trouble.PAUSED, every, LONG) for part in PARTS]
    others = [
        Trial(part, trouble, every, ON_THE_WAY)
        for trouble in (Trouble.REFUSING, Trouble.SLOW, Trouble.CUT)
        for part in PARTS
    ]
    short = [Trial(part, Trouble.PAUSED, (phase,), SHORT) for phase in every for part in PARTS]
    return [*long, *others, *short]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``rested_after``: seconds from the end of the fault; None if some job never came to rest."""

    trial: Trial
    errands: Sequence[Errand]
    rested_after: float | None


def play(troubled: Troubled, trial: Trial) -> Outcome:
    """Play the trial on an idle stack."""
    errands = {phase: Errand(troubled.ground, Plan(_SLICES, kinds=KINDS)) for phase in trial.phases}
    for errand in errands.values():
        errand.prepare()
    _lead(troubled, errands)
    troubled.strike(trial.part, trial.trouble)
    struck = time.monotonic()
    calls = {Phase.CREATED: Errand.create, Phase.CANCELLED: Errand.cancel}
    with ThreadPoolExecutor() as pool:
        try:
            answered = [
                pool.submit(call, errands[phase]) for phase, call in calls.items() if phase in errands
            ]
            troubled.gate.open_all()
            time.sleep(max(0.0, struck + trial.seconds - time.monotonic()))
        finally:
            troubled.heal(trial.part, trial.trouble)
        healed = time.monotonic()
        for each in answered:
            each.result()
    jobs = list(errands.values())
    return Outcome(trial, jobs, _rest(jobs, healed, troubled.ground.rest_limit))


def _lead(troubled: Troubled, errands: Mapping[Phase, Errand]) -> None:
    """Bring each job to the beginning of its phase.

    Receivers delay deliveries until all jobs are there; an unload's length is known, so it comes last.
    """
    ground = troubled.ground
    for phase in (Phase.ENDED, Phase.DELIVERED, Phase.CANCELLED):
        if errand := errands.get(phase):
            troubled.gate.close(errand.path)
            errand.create()
            _wait(partial(ground.inbox.has_come, errand.path), "a first request")
    if errand := errands.get(Phase.UNLOADED):
        with ground.warehouse.slow_unloads(_UNLOAD_SECONDS):
            errand.create()
            _wait(partial(ground.warehouse.unloads, errand.heard), "an unload")
    if errand := errands.get(Phase.ENDED):
        troubled.gate.open(errand.path)
        _wait(partial(errand.is_, "completed"), "the end of a job")


def _wait(condition: Callable[[], object], what: str) -> None:
    wait_until(condition, what, _WAY_LIMIT)


def _rest(errands: Sequence[Errand], healed: float, limit: float) -> float | None:
    # Check each of them each time, so that a stuck job's report has its companions' current states.
    while sum(errand.look() for errand in errands) < len(errands):
        if time.monotonic() - healed > limit:
            return None
        time.sleep(_LOOK_AGAIN)
    return time.monotonic() - healed
