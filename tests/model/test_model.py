"""Whatever happens, in any order: nothing is lost, duplicated or stuck."""

import os

import pytest

from tests.model.running import run_model

STEPS = 20_000


def test_the_invariants_hold_after_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """MODEL_SEED sets another first seed than 1; a failure prints its steps, the shortest found."""
    figures = run_model(steps=STEPS, first_seed=int(os.environ.get("MODEL_SEED", "1")))
    with capsys.disabled():
        print(f"\nmodel: {figures}")  # noqa: T201 - a figure for people
    assert figures.steps >= STEPS
