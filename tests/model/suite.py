"""The model as a suite of `make reliability`: many steps in one process per core, from one seed."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from os import cpu_count

from tests.model.figures import Figures
from tests.model.running import run_model
from tests.model.sabotage import SABOTAGES, found
from tests.reliability import report

_SHARE = 25_000  # steps that one process runs before it returns


def run(seed: int, *, steps: int, say: Callable[[str], None]) -> report.Report:
    """Run at least this many steps, and every sabotage. The report's faults include violated invariants."""
    began, faults, total = time.monotonic(), [], Figures()
    draw = random.Random(seed)  # noqa: S311 - reproducible seeds
    seeds = [draw.randrange(2**31) for _ in range(-(-steps // _SHARE))]
    with ProcessPoolExecutor(cpu_count(), mp_context=get_context("spawn")) as pool:
        detected = pool.map(found, range(len(SABOTAGES)))
        for first_seed, answer in zip(seeds, pool.map(partial(_run, _SHARE), seeds), strict=True):
            if isinstance(answer, str):
                faults.append(f"seed {first_seed}: {answer}")
                continue
            total += answer
            say(f"  seeds {first_seed}-{answer.seeds[-1]}: {answer}")
        missed = [sabotage.__name__ for sabotage, was in zip(SABOTAGES, detected, strict=True) if not was]
    faults += [f"not found: {name}" for name in missed]
    return report.Report(
        suite="model",
        title="Model",
        seed=seed,
        seconds=time.monotonic() - began,
        figures={
            "steps": total.steps,
            "examples": total.examples,
            "calls to dependencies": total.calls,
            "calls with an injected fault": total.faults,
            **{f"jobs {status}": count for status, count in sorted(total.ends.items())},
            "jobs retried": total.retries,
            "sabotages tried": len(SABOTAGES),
            "sabotages not detected": len(missed),
            report.WEBHOOK_REPEATS: total.repeats,
            report.ROWS: total.rows,
            "violated invariants": len(faults) - len(missed),
        },
        zeroes=("violated invariants", "sabotages not detected"),
        least={"steps": steps},
        faults=tuple(faults),
    )


def _run(steps: int, first_seed: int) -> Figures | str:
    """Run in a separate process, which returns a failure as text."""
    try:
        return run_model(steps=steps, first_seed=first_seed, shrink=False)
    except Exception as violation:  # noqa: BLE001 - an error of the product is a violation as well
        return "\n".join([repr(violation), *getattr(violation, "__notes__", [])])
