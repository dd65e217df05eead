"""Idempotent producers are kept between chunks, except failed or long-idle ones."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from shared.destinations.kafka.producers import Producers
from tests.fakes.webhook_sinks import FakeTime

if TYPE_CHECKING:
    from confluent_kafka import Producer


class Made:
    """A producer that only counts."""

    def __init__(self, properties: dict[str, Any]) -> None:
        self.properties = properties
        self.purged = False

    def purge(self) -> None:
        self.purged = True


def producers(time: FakeTime) -> Producers:
    return Producers(
        {"acks": "all"}, monotonic=time.monotonic, make=lambda properties: cast("Producer", Made(properties))
    )


def test_one_that_did_its_work_is_used_again() -> None:
    kept = producers(FakeTime())
    with kept.one(batch_size=10) as first:
        assert cast("Made", first).properties == {"acks": "all", "batch.size": 10}
    with kept.one(batch_size=10) as second:
        assert second is first


def test_two_deliveries_at_once_have_one_each() -> None:
    kept = producers(FakeTime())
    with kept.one(batch_size=10) as first, kept.one(batch_size=10) as second:
        assert first is not second


def test_another_size_of_batches_needs_another_one() -> None:
    kept = producers(FakeTime())
    with kept.one(batch_size=10) as first:
        pass
    with kept.one(batch_size=20) as second:
        assert second is not first
    with kept.one(batch_size=10) as third:
        assert third is first


def test_one_that_failed_sends_nothing_more() -> None:
    kept = producers(FakeTime())
    with pytest.raises(OSError, match="gone"), kept.one(batch_size=10) as first:
        raise OSError("gone")
    assert cast("Made", first).purged
    with kept.one(batch_size=10) as second:
        assert second is not first


def test_one_that_was_idle_for_long_is_left() -> None:
    time = FakeTime()
    kept = producers(time)
    with kept.one(batch_size=10) as first:
        pass
    time.sleep(61.0)
    with kept.one(batch_size=10) as second:
        assert second is not first
