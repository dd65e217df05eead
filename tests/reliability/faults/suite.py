"""Dependencies that fail: each one paused, refusing, slow and cut, with jobs in every phase."""

import queue
import random
import threading
import time
from collections.abc import Callable, Sequence

from tests.reliability import report
from tests.reliability.chaos import check
from tests.reliability.chaos.client import Prober
from tests.reliability.chaos.suite import answers
from tests.reliability.faults.ground import troubled_stack
from tests.reliability.faults.trials import Outcome, Trial, all_trials, play
from tests.reliability.findings import Findings
from tests.reliability.stack_folder import stack_folder

TITLE = "Dependencies that fail"
LANES = 3
UNANSWERED = "API calls without an answer"
FAILED = "trials that could not run"
REST = "longest time until a trial's jobs were at rest after its fault, s"


def run(
    seed: int,
    *,
    trials: Sequence[Trial] | None = None,
    lanes: int = LANES,
    say: Callable[[str], None] = print,
) -> report.Report:
    """Play the trials (by default all) on parallel stacks, one at a time on each."""
    began = time.monotonic()
    trials = list(all_trials() if trials is None else trials)
    if lanes > 1:
        # Long trials are spread over the lanes; the seed shuffles the others.
        random.Random(seed).shuffle(trials)  # noqa: S311 - repeatable
        trials.sort(key=lambda trial: -trial.seconds)
    tally = Tally(trials, say)
    threads = [threading.Thread(target=tally.work, name=f"lane-{each}") for each in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kinds = {trial.trouble for trial in trials}
    played = {f"trials: a part {kind}": sum(trial.trouble is kind for trial in trials) for kind in kinds}
    return report.Report(
        suite="faults",
        title=TITLE,
        seed=seed,
        seconds=time.monotonic() - began,
        figures={
            **dict(sorted(played.items())),
            FAILED: tally.failed,
            **tally.found.shown(check.SHOWN),
            REST: round(tally.longest, 1),
            **tally.answers,
            UNANSWERED: tally.unanswered,
        },
        zeroes=(*check.ZEROES, FAILED, UNANSWERED),
        faults=tuple(tally.found.faults),
    )


class Tally:
    """The waiting trials, and the lanes' findings."""

    def __init__(self, trials: Sequence[Trial], say: Callable[[str], None]) -> None:
        self.found = Findings()
        self.failed = 0
        self.longest = 0.0
        self.answers: dict[str, float] = {}
        self.unanswered = 0
        self._say = say
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for trial in trials:
            self._waiting.put(trial)

    def work(self) -> None:
        """Play waiting trials on a separate stack."""
        try:
            name = f"faults-{threading.current_thread().name}"
            with stack_folder(name) as folder, troubled_stack(folder.path) as troubled:
                outcomes: list[Outcome] = []
                with Prober(troubled.ground.client):
                    while not self._waiting.empty():
                        trial = self._waiting.get()
                        try:
                            outcome = play(troubled, trial)
                        except Exception as error:  # noqa: BLE001 - one trial's error is recorded, the others continue
                            self._blame(f"{trial}: {type(error).__name__}: {error}")
                            folder.keep_logs()
                            continue
                        outcomes.append(outcome)
                        with self._lock:
                            self.longest = max(self.longest, outcome.rested_after or 0.0)
                        self._say(f"faults: {trial}: {_shown(outcome.rested_after)}")
                errands = [errand for outcome in outcomes for errand in outcome.errands]
                found = check.check(troubled.ground, errands)
                self._add(found, answers(troubled.ground))
                if found.faults:
                    folder.keep_logs()
                with self._lock:
                    self.unanswered += troubled.ground.client.unanswered
        except Exception as error:  # noqa: BLE001 - a failed stack must not hide the others' findings
            self._blame(f"a lane ended: {type(error).__name__}: {error}")

    def _add(self, found: Findings, heard: dict[str, float]) -> None:
        with self._lock:
            self.found.figures.update(found.figures)
            self.found.faults += found.faults
            self.answers = {name: self.answers.get(name, 0) + count for name, count in heard.items()}
        for fault in found.faults:
            self._say(fault)

    def _blame(self, what: str) -> None:
        with self._lock:
            self.failed += 1
            self.found.faults.append(what)
        self._say(what)


def _shown(rested_after: float | None) -> str:
    return "STUCK" if rested_after is None else f"at rest after {rested_after:.1f} s"
