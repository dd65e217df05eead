"""A job to every kind of destination, one of them dead: do the others have every row in their usual time?"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.e2e.support.client import wait_until
from tests.reliability import report
from tests.reliability.chaos import check
from tests.reliability.chaos.errand import Errand, Plan
from tests.reliability.chaos.ground import SLICES
from tests.reliability.faults.ground import Trouble, Troubled, troubled_stack
from tests.reliability.places import KINDS
from tests.reliability.stack_folder import stack_folder

TITLE = "One dead destination of seven"
SECONDS = 60.0
# The part that is dead, and the type of the destination that it makes dead.
DEAD: Mapping[str, str] = {"receiver": "webhook", "nats": "nats", "sns": "sns"}
LATE = "destinations without every row while another one was dead"
USUAL = "seconds until every destination has every row, undisturbed"
_ALL = frozenset({"kafka", "webhook", *KINDS})
_SMALL_FILES = 3_000  # bytes: several times more chunks than deliveries at once
_LIMIT = 120.0
_LOOK_AGAIN = 0.1


@dataclass(frozen=True, slots=True)
class _Times:
    """When each destination had every row, in seconds from the job's creation, by type."""

    errand: Errand
    seconds: Mapping[str, float]


def run(
    seed: int,
    *,
    seconds: float = SECONDS,
    dead: Mapping[str, str] = DEAD,
    say: Callable[[str], None] = print,
) -> report.Report:
    """Deliver a job undisturbed, and then one beside each dead destination, dead for so many seconds."""
    began = time.monotonic()
    with stack_folder("one-dead") as folder, troubled_stack(folder.path, _SMALL_FILES) as troubled:
        first, usual = (_play(troubled) for _ in range(2))
        slowest = max(usual.seconds.values())
        figures: dict[str, float] = {USUAL: round(slowest, 1)}
        errands, faults = [first.errand, usual.errand], []
        late = 0
        for part, kind in dead.items():
            times = _beside(troubled, part, kind, seconds)
            errands.append(times.errand)
            missing = _ALL - {kind} - times.seconds.keys()
            late += len(missing)
            if missing:
                faults.append(f"beside a dead {kind}, without every row: {', '.join(sorted(missing))}")
            others = max(times.seconds.values(), default=seconds)
            figures[f"seconds until the others have every row, beside a dead {kind}"] = round(others, 1)
            say(f"one_dead: {kind}: {dict(times.seconds)}, usually {dict(usual.seconds)}")
        found = check.check(troubled.ground, errands)
    return report.Report(
        suite="one_dead",
        title=TITLE,
        seed=seed,
        seconds=time.monotonic() - began,
        figures={**figures, LATE: late, **found.shown(check.SHOWN)},
        zeroes=(LATE, *check.ZEROES),
        faults=(*faults, *found.faults),
    )


def _beside(troubled: Troubled, part: str, kind: str, seconds: float) -> _Times:
    errand = _errand(troubled)
    struck = time.monotonic()
    troubled.strike(part, Trouble.REFUSING)
    try:
        times = _watch(errand, _ALL - {kind}, seconds)
        time.sleep(max(0.0, struck + seconds - time.monotonic()))
    finally:
        troubled.heal(part, Trouble.REFUSING)
    wait_until(errand.look, "the job's end", _LIMIT)
    return times


def _play(troubled: Troubled) -> _Times:
    errand = _errand(troubled)
    times = _watch(errand, _ALL, _LIMIT)
    wait_until(errand.look, "the job's end", _LIMIT)
    return times


def _errand(troubled: Troubled) -> Errand:
    errand = Errand(troubled.ground, Plan(tuple(range(SLICES)), kinds=KINDS))
    errand.prepare()
    return errand


def _watch(errand: Errand, kinds: frozenset[str], limit: float) -> _Times:
    """Create the job, and note when each destination has every row, until those of these ``kinds`` have them
    or so many seconds have passed.
    """
    errand.create()
    created = time.monotonic()
    seconds: dict[str, float] = {}
    while kinds - seconds.keys() and time.monotonic() < created + limit:
        _, job = errand.ground.client.ask("GET", f"/{errand.heard}", patience=_LIMIT)
        for each in job["destinations"]:
            if each["state"]["status"] == "done":
                seconds.setdefault(each["type"], round(time.monotonic() - created, 1))
        time.sleep(_LOOK_AGAIN)
    return _Times(errand, seconds)
