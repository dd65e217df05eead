"""A short period of chaos, which loses and duplicates nothing; `make reliability` has the full one."""

import pytest

from tests.reliability.chaos import suite

pytestmark = [pytest.mark.stack, pytest.mark.reliability]


def test_chaos_loses_and_doubles_nothing() -> None:
    done = suite.run(1, seconds=12.0, least_kills=5)
    assert done.passed, done.text()
