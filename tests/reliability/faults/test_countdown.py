"""Deliveries that finish at once, each twice, count a job down to exactly zero."""

import pytest

from tests.reliability.faults import countdown

pytestmark = [pytest.mark.emulator, pytest.mark.reliability]


def test_no_delivery_fails_for_contention_and_none_counts_twice() -> None:
    done = countdown.run(1, chunks=200, workers=40, jobs=1, least_ratio=0.0)
    assert done.passed, done.text()
