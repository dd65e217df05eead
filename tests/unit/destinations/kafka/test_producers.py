"""Idempotent producers are kept between chunks, except failed or long-idle ones."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, Producer

from shared.destinations.kafka.producers import Producers
from tests.fakes.webhook_sinks import FakeTime


class Made:
    """A producer that only counts."""

    def __init__(self, properties: dict[str, Any], at_end: Callable[[], None]) -> None:
        self.properties = properties
        self.called: list[str] = []
        self._at_end = at_end

    def purge(self) -> None:
        self.called.append("purge")

    def flush(self, _seconds: float) -> int:
        self.called.append("flush")
        return 0

    def __del__(self) -> None:
        self._at_end()


def producers(time: FakeTime, at_end: Callable[[], None] = lambda: None) -> Producers:
    return Producers(
        {"acks": "all"},
        monotonic=time.monotonic,
        make=lambda properties: cast("Producer", Made(properties, at_end)),
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
    assert cast("Made", first).called == ["purge", "flush"]
    with kept.one(batch_size=10) as second:
        assert second is not first


def test_every_message_of_a_failed_one_is_reported() -> None:
    """Without its report, the client library never frees a message's callback."""
    unreachable = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0, "delivery.report.only.error": True}
    reported: list[int] = []

    def report(error: KafkaError | None, _message: object) -> None:
        assert error is not None
        reported.append(error.code())

    def send_and_fail(producer: Producer) -> None:
        for _ in range(1_000):
            producer.produce("topic", b"row", on_delivery=report)
        raise OSError("gone")

    kept = Producers(unreachable, monotonic=FakeTime().monotonic)
    with pytest.raises(OSError, match="gone"), kept.one(batch_size=10) as producer:
        send_and_fail(producer)
    assert reported == [KafkaError._PURGE_QUEUE] * 1_000


def test_one_that_was_idle_for_long_is_left() -> None:
    time = FakeTime()
    kept = producers(time)
    with kept.one(batch_size=10) as first:
        pass
    time.sleep(61.0)
    with kept.one(batch_size=10) as second:
        assert second is not first


def test_the_end_of_an_expired_one_holds_up_no_other_delivery() -> None:
    """It takes seconds if the name server does not answer."""
    time, used, in_time = FakeTime(), threading.Event(), list[bool]()

    def use_another() -> None:
        with kept.one(batch_size=30):
            used.set()

    def wait_for_another() -> None:
        if not in_time:
            in_time.append(False)
            threading.Thread(target=use_another, daemon=True).start()
            in_time[0] = used.wait(5.0)

    kept = producers(time, wait_for_another)
    with kept.one(batch_size=10):
        pass
    time.sleep(61.0)
    with kept.one(batch_size=20):
        pass
    assert in_time == [True]
