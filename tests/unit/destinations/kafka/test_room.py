"""A topic's limit, as brokers tell it that are not Apache Kafka."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from shared.destinations.kafka.room import Room, Rooms
from tests.fakes.sending import SteadyPulse
from tests.fakes.webhook_sinks import FakeTime


def room(entries: dict[str, Any]) -> Room:
    """Return the room of a topic with these settings."""

    class Admin:
        def describe_configs(self, asked: list[Any], **_: Any) -> dict[Any, Any]:
            answer: Future[Any] = Future()
            answer.set_result(entries)
            return {asked[0]: answer}

    rooms = Rooms({}, batch=100, timeout=1.0, monotonic=FakeTime().monotonic, open_admin=lambda _: Admin())
    return rooms.of("topic", SteadyPulse())


def of_value(value: str | None) -> Room:
    return room({"max.message.bytes": SimpleNamespace(value=value)})


@pytest.mark.parametrize(("told", "expected"), [("50", Room(50, 50)), ("1000", Room(1_000, 100))])
def test_the_limit_bounds_a_batch(told: str, expected: Room) -> None:
    assert of_value(told) == expected


@pytest.mark.parametrize("value", [None, "", "unlimited"])
def test_a_limit_that_is_no_number_is_unknown(value: str | None) -> None:
    assert of_value(value) == Room(None, 100)


@pytest.mark.parametrize(
    "entries", [{}, {"retention.ms": SimpleNamespace(value="1")}, {"max.message.bytes": None}]
)
def test_a_limit_that_is_not_told_is_unknown(entries: dict[str, Any]) -> None:
    assert room(entries) == Room(None, 100)


def test_the_client_gets_a_size_of_batches_that_it_takes_even_if_the_limit_is_zero() -> None:
    assert of_value("0") == Room(0, 1)
