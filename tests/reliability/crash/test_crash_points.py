"""A dozen crash points: the functions are killed there, and every row still arrives once."""

import random
import secrets
from pathlib import Path

import pytest

from tests.reliability.crash import suite
from tests.reliability.crash.control import Control, Fate

POINTS = 12
JOBS = 3  # a job whose functions are killed four times takes less time than four jobs


@pytest.mark.stack
def test_a_job_whose_functions_are_killed_at_a_dozen_points_delivers_every_row_once() -> None:
    done = suite.run_some(secrets.randbelow(2**32), POINTS, JOBS)
    assert done.passed, done.text()


@pytest.fixture
def control(tmp_path: Path) -> Control:
    control = Control(tmp_path)
    control.clear()
    return control


def test_an_armed_point_is_met_once(control: Control) -> None:
    control.arm({"deliver.kafka.commit:after": Fate.KILL})
    assert [control.claim("deliver.kafka.commit:after") for _ in range(2)] == [Fate.KILL, None]
    assert control.hit() == {"deliver.kafka.commit:after"}


def test_an_outage_is_met_until_it_ends(control: Control) -> None:
    point = "deliver.kafka.look_up:before"
    control.arm({point: Fate.OUTAGE})
    assert [control.claim(point) for _ in range(2)] == [Fate.FAIL, Fate.FAIL]
    control.disarm(point)
    assert control.claim(point) is None
    assert control.hit() == {point}


def test_every_point_that_was_passed_is_known(control: Control) -> None:
    assert control.claim("api.job.create:before") is None
    assert control.seen() == {"api.job.create:before"}
    assert control.hit() == set()


def test_a_point_that_was_not_met_can_be_disarmed(control: Control) -> None:
    control.arm({"api.job.create:before": Fate.FAIL})
    control.disarm()
    assert control.claim("api.job.create:before") is None


def test_the_same_seed_gives_the_same_pairs() -> None:
    first, second = (suite.pairs(random.Random(7)) for _ in range(2))  # noqa: S311 - repeatable
    assert [str(next(first)) for _ in range(20)] == [str(next(second)) for _ in range(20)]
