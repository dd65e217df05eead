"""The model finds faults: each of these, inserted into the product on purpose, violates an invariant.

`make reliability` also tries those that take longer to find.
"""

import pytest

from tests.model.sabotage import QUICK, found

pytestmark = pytest.mark.reliability


@pytest.mark.parametrize("number", range(len(QUICK)), ids=[sabotage.__name__ for sabotage in QUICK])
def test_the_model_finds(number: int) -> None:
    assert found(number)
