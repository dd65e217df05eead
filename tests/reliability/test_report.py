"""The page of figures contains exactly what the suites saved."""

from pathlib import Path

import pytest

from tests.reliability import report
from tests.reliability.report import Report


def run(**figures: float) -> Report:
    return Report("crash", "Crash points", 7, 12.0, figures, zeroes=("left over",), least={"pairs": 2})


def test_a_run_passes_when_its_figures_are_what_they_must_be() -> None:
    assert run(pairs=2).passed
    assert run(**{"pairs": 2, "left over": 0, report.ROWS_LOST: 0}).passed


@pytest.mark.parametrize("name", [*report.ZEROES, "left over"])
def test_a_figure_that_must_be_zero_and_is_not_fails_the_run(name: str) -> None:
    assert run(**{"pairs": 2, name: 1}).misses() == [f"{name}: 1, must be 0"]


def test_a_figure_below_its_bound_fails_the_run() -> None:
    assert run(pairs=1).misses() == ["pairs: 1, must be 2 at least"]
    assert not run().passed


def test_the_page_shows_each_suites_latest_run_and_sums_up_what_is_guaranteed(tmp_path: Path) -> None:
    report.save(run(pairs=1), tmp_path)
    report.save(run(**{"pairs": 2, report.KILLS: 1200}), tmp_path)
    report.save(Report("chaos", "Chaos", 8, 600.0, {report.KILLS: 34}, faults=("a job is stuck",)), tmp_path)
    page = report.render(tmp_path)
    assert "after\n  1,234 killed processes" in page
    assert "| pairs | 2 | ≥ 2 |" in page
    assert "`crash`, seed 7, 12 s: passed." in page
    assert "`chaos`, seed 8, 600 s: **failed**." in page
    assert "- a job is stuck" in page
