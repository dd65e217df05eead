"""The model finds faults: each of these, put into the product on purpose, breaks an invariant."""

from collections.abc import Callable

import pytest

from tests.model.running import run_model
from tests.model.sabotage import SABOTAGES

MOST_STEPS = 60_000


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.__name__)
def test_the_model_finds(sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)
    with pytest.raises(AssertionError) as found:
        run_model(steps=MOST_STEPS, first_seed=1, shrink=False)
    assert str(found.value), "an invariant says what was violated"
