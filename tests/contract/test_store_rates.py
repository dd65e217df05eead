"""The rate limit of an organization, tested with Firestore and the fake."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from google.cloud import firestore

from shared.adapters.firestore_rates import FirestoreRates
from shared.domain.errors import TooOften
from shared.steps.ports import Rates
from tests.contract.records import BOTH
from tests.fakes.clock import FakeClock
from tests.fakes.web import FakeRates

Make = Callable[[int], Rates]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=BOTH)
def rates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> Make:
    """Build the rates with this limit per minute."""
    if request.param == "memory":
        return FakeRates
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", request.getfixturevalue("firestore_host"))
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    return lambda most: FirestoreRates(client, "estimates", most, clock.now)


def test_one_more_than_an_organization_may_is_too_often(rates: Make) -> None:
    three = rates(3)
    for _ in range(3):
        three.take("acme")
    with pytest.raises(TooOften, match="3 estimates a minute") as refused:
        three.take("acme")
    assert 1 <= refused.value.seconds <= 60
    three.take("globex")


def test_no_more_are_let_through_at_once(rates: Make) -> None:
    five = rates(5)

    def try_to_take(_: int) -> bool:
        try:
            five.take("acme")
        except TooOften:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(try_to_take, range(12))) == 5


@pytest.mark.emulator
def test_the_next_minute_begins_anew(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    client = firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")
    one = FirestoreRates(client, "estimates", 1, clock.now)
    take = partial(one.take, "acme")
    take()
    with pytest.raises(TooOften) as refused:
        take()
    clock.sleep(refused.value.seconds)
    take()
