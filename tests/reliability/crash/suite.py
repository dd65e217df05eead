"""Kill the functions at every crash point, singly and in pairs, and check what is left of each job.

Each stack plays one case at a time, so that no other job's crash interferes. Each scenario's first case has
no crash; it proves the scenario itself.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from tests.reliability import report
from tests.reliability.crash import check
from tests.reliability.crash.control import Fate
from tests.reliability.crash.lanes import Lanes
from tests.reliability.crash.player import STUCK_AFTER, Case, Played
from tests.reliability.crash.scenarios import SCENARIOS, Scenario
from tests.reliability.findings import Findings

TITLE = "Crash points"
NAMED, NEVER_HIT = "crash points defined", "crash points never hit"
CASES, PAIRS = "jobs with a crash", "jobs with a pair of crashes, both hit"
REST = f"longest time until a job was at rest after the last crash, s (stuck after {STUCK_AFTER:g})"
_TRIES = 12  # for a point that a race may skip
_PAIRS_TRIED = 3  # times the requested pairs: a first crash may skip the second point
_WEIGHTS = {"plain": 8}  # most pairs come from the scenario with the most points
_ZEROES = (
    NEVER_HIT,
    check.STAGED_LEFT,
    check.TOPICS_LEFT,
    check.WRONG_END,
    check.WRONG_ANSWERS,
    check.UNFOUNDED_ROWS,
)

Named = tuple[Scenario, str]


class Tally:
    """The findings of all lanes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.figures: Counter[str] = Counter()
        self.faults: list[str] = []
        self.hit: set[tuple[str, str]] = set()
        self.longest = 0.0
        self._say = say
        self._lock = threading.Lock()

    def take(self, played: Played, found: Findings) -> None:
        case = played.case
        with self._lock:
            self.figures.update(found.figures)
            self.figures[report.KILLS] += sum(case.armed.get(point) is Fate.KILL for point in played.hit)
            self._blame(found.faults)
            self.figures[CASES] += any(point in played.hit for point in case.points)
            if set(case.points) <= played.hit:
                self.figures[PAIRS] += len(case.points) > 1
                self.hit |= {(case.scenario.name, point) for point in case.points}
            self.longest = max(self.longest, played.rested_after or 0.0)

    def fail(self, case: Case, error: Exception) -> None:
        with self._lock:
            self.figures[report.JOBS_STUCK] += 1
            self._blame([f"{case}: {type(error).__name__}: {error}"])

    def report(self, seed: int, seconds: float, least: Mapping[str, float]) -> report.Report:
        counted = (
            NAMED,
            CASES,
            PAIRS,
            report.KILLS,
            report.ROWS,
            report.RECEIPTS,
            report.WEBHOOK_REPEATS,
            report.MESSAGES_REPEATED,
        )
        figures = {name: self.figures[name] for name in (*counted, *report.ZEROES, *_ZEROES)}
        return report.Report(
            suite="crash",
            title=TITLE,
            seed=seed,
            seconds=seconds,
            figures=figures | {REST: round(self.longest, 1)},
            zeroes=_ZEROES,
            least=least,
            faults=tuple(self.faults),
        )

    def missing(self, points: list[Named]) -> list[Named]:
        return [(scenario, point) for scenario, point in points if (scenario.name, point) not in self.hit]

    def _blame(self, faults: list[str]) -> None:
        self.faults += faults
        for fault in faults:
            self._say(fault)


def named() -> list[Named]:
    """Return every point with a scenario that passes it."""
    return [(scenario, point) for scenario in SCENARIOS for point in scenario.points]


def pairs(chance: random.Random) -> Iterator[Case]:
    """Yield pairs without end, the same for the same seed."""
    weights = [_WEIGHTS.get(scenario.name, 1) for scenario in SCENARIOS]
    while True:
        (scenario,) = chance.choices(SCENARIOS, weights)
        yield Case(scenario, tuple(chance.sample(scenario.points, 2)))


def run(
    seed: int,
    *,
    lanes: int = 4,
    least_pairs: int = 200,
    points: list[Named] | None = None,
    say: Callable[[str], None] = print,
) -> report.Report:
    """Play every point of ``points`` (by default all named ones) singly, then pairs."""
    began = time.monotonic()
    points = named() if points is None else points
    tally = Tally(say)
    with Lanes(lanes, tally.take, tally.fail) as work:
        scenarios = {scenario.name: scenario for scenario, _ in points}
        work.work([Case(scenario) for scenario in scenarios.values()])
        say(f"crash: {len(scenarios)} scenarios undisturbed, {time.monotonic() - began:.0f} s")
        for _ in range(_TRIES):
            work.work([Case(scenario, (point,)) for scenario, point in tally.missing(points)])
        say(f"crash: {len(points)} points singly, {time.monotonic() - began:.0f} s")
        endless = islice(pairs(random.Random(seed)), _PAIRS_TRIED * least_pairs)  # noqa: S311 - repeatable
        while tally.figures[PAIRS] < least_pairs and (
            some := list(islice(endless, least_pairs - tally.figures[PAIRS]))
        ):
            work.work(some)
    never = [f"never hit: {scenario.name}: {point}" for scenario, point in tally.missing(points)]
    tally.figures.update({NAMED: len(points), NEVER_HIT: len(never)})
    tally.faults += never
    return tally.report(seed, time.monotonic() - began, {PAIRS: least_pairs})


def run_some(seed: int, count: int, jobs: int) -> report.Report:
    """Play this many random points of the plain scenario, spread over a few jobs, on one stack."""
    began = time.monotonic()
    tally = Tally(print)
    plain = SCENARIOS[0]
    picked = random.Random(seed).sample(plain.points, count)  # noqa: S311 - repeatable
    with Lanes(1, tally.take, tally.fail) as work:
        work.work([Case(plain, tuple(picked[first::jobs])) for first in range(jobs)])
    # One crash may skip the next point, for example if another process continues the work.
    return tally.report(seed, time.monotonic() - began, {report.KILLS: count / 2})
