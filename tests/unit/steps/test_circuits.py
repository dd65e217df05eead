"""Circuit breakers of destinations."""

import pytest

from shared.steps.circuits import Circuits

KEY, OTHER = ("job", "uid"), ("job", "other")


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def circuits(time: Time) -> Circuits:
    return Circuits(time)


def fail(circuits: Circuits, times: int) -> None:
    for _ in range(times):
        circuits.failed(KEY)


def test_two_failures_in_a_row_leave_a_circuit_closed(circuits: Circuits) -> None:
    fail(circuits, 2)
    assert circuits.admits(KEY)
    assert circuits.suspect(KEY)


def test_three_failures_in_a_row_open_it(circuits: Circuits) -> None:
    fail(circuits, 3)
    assert not circuits.admits(KEY)
    assert circuits.admits(OTHER)
    assert not circuits.suspect(OTHER)


def test_one_delivery_tries_it_after_five_seconds(circuits: Circuits, time: Time) -> None:
    fail(circuits, 3)
    time.now += 5
    assert [circuits.admits(KEY) for _ in range(2)] == [True, False]
    time.now += 5
    assert circuits.admits(KEY)


def test_a_failed_attempt_keeps_it_open(circuits: Circuits, time: Time) -> None:
    fail(circuits, 3)
    time.now += 8
    assert circuits.admits(KEY)
    time.now += 4
    circuits.failed(KEY)
    time.now += 4
    assert not circuits.admits(KEY)


def test_a_success_closes_it(circuits: Circuits) -> None:
    fail(circuits, 3)
    circuits.succeeded(KEY)
    assert circuits.admits(KEY)
    assert not circuits.suspect(KEY)
    fail(circuits, 2)
    assert circuits.admits(KEY)


def test_circuits_of_long_ago_are_forgotten(circuits: Circuits, time: Time) -> None:
    fail(circuits, 3)
    time.now += 606
    circuits.failed(OTHER)
    assert not circuits.suspect(KEY)
