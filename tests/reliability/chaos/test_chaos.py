"""A short while of chaos, which loses and doubles nothing; in full it is a part of `make reliability`."""

import pytest

from tests.reliability.chaos import suite

pytestmark = [pytest.mark.stack, pytest.mark.reliability]


def test_chaos_loses_and_doubles_nothing() -> None:
    done = suite.run(1, seconds=12.0, least_kills=5)
    assert done.passed, done.text()
