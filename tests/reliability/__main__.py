"""`make reliability`: run the suites, print their figures, write them to docs/reliability.md."""

import argparse
import importlib
import secrets
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from tests.reliability import report
from tests.reliability.stack_folder import KEPT

# Each module has ``run(seed, **options)``, which returns a Report.
SUITES: Mapping[str, tuple[str, Callable[[argparse.Namespace], dict[str, Any]]]] = {
    "crash": ("tests.reliability.crash.suite", lambda given: {"least_pairs": given.pairs}),
    "model": ("tests.model.suite", lambda given: {"steps": given.steps}),
    "chaos": ("tests.reliability.chaos.suite", lambda given: {"seconds": given.seconds}),
    "countdown": ("tests.reliability.faults.countdown", lambda _given: {}),
    "faults": ("tests.reliability.faults.suite", lambda _given: {}),
    "one_dead": ("tests.reliability.faults.one_dead", lambda _given: {}),
}


def main() -> int:
    given = _arguments()
    shutil.rmtree(KEPT, ignore_errors=True)
    reports = [_run(name, given) for name in given.suite or SUITES]
    report.PAGE.write_text(report.render())
    say(f"written to {report.PAGE.relative_to(report.ROOT)}")
    if KEPT.exists():
        say(f"the logs of stacks with a fault are in {KEPT.relative_to(report.ROOT)}")
    return 0 if all(each.passed for each in reports) else 1


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command line program prints


def _run(name: str, given: argparse.Namespace) -> report.Report:
    """Run one suite. An exception becomes a failure of that suite, and the others continue."""
    module, options = SUITES[name]
    say(f"{name}: seed {given.seed}")
    began = time.monotonic()
    try:
        done: report.Report = importlib.import_module(module).run(given.seed, **options(given), say=say)
    except Exception as error:  # noqa: BLE001 - reported, in full
        traceback.print_exc()
        fault = f"the suite did not finish: {type(error).__name__}: {error}"
        done = report.Report(name, name, given.seed, time.monotonic() - began, {}, faults=(fault,))
    report.save(done)
    say(done.text())
    return done


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    parser.add_argument("--suite", action="append", choices=SUITES, help="may be repeated; all by default")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="random by default")
    parser.add_argument("--pairs", type=int, default=200, help="pairs of crash points")
    parser.add_argument("--steps", type=int, default=500_000, help="steps of the model")
    parser.add_argument("--seconds", type=float, default=600.0, help="of chaos")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
