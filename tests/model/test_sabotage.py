"""The model finds faults: each of these, put into the product on purpose, violates an invariant."""

import pytest

from tests.model.sabotage import SABOTAGES, found


@pytest.mark.parametrize("number", range(len(SABOTAGES)), ids=[sabotage.__name__ for sabotage in SABOTAGES])
def test_the_model_finds(number: int) -> None:
    assert found(number)
