"""Run the state machine for a number of steps, from a seed, and count what it sees."""

import time
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.model.figures import Figures
from tests.model.machine import ServiceMachine

STEPS_AN_EXAMPLE = 60
_EXAMPLES = 50


def run_model(
    *, steps: int, first_seed: int, shrink: bool = True, most_examples: int | None = None
) -> Figures:
    """Run at least this many steps, with consecutive seeds; raises the error of a violated invariant."""
    figures, seed, began = Figures(), first_seed, time.monotonic()
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    settings = hypothesis.settings(
        max_examples=most_examples or _EXAMPLES,
        stateful_step_count=STEPS_AN_EXAMPLE,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )
    while figures.steps < steps:
        machine: Any = type("Machine", (ServiceMachine,), {"figures": figures})
        run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
        figures.seeds.append(seed)
        seed += 1
    figures.seconds = time.monotonic() - began
    return figures
