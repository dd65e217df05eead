"""What used up a delivery's time: Kafka, refusals, or the chunk, which alone fails the job."""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from shared.destinations.kafka.errors import BatchRefused
from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.domain.errors import BackfillError, JobFails, RetryLater, Unavailable
from tests.fakes.kafka_producers import FakeProducer
from tests.fakes.sending import NumberedBatch, NumberedRows, SteadyPulse, delivery_to, kafka_destination
from tests.fakes.webhook_sinks import FakeTime

if TYPE_CHECKING:
    from confluent_kafka import Producer

ROWS = 1_000


def ending(
    time: FakeTime, flow: Flow, pauses: Callable[[int], float], hangs_from: int = sys.maxsize
) -> BackfillError:
    """Return how a delivery of 480 s ends, if ``pauses`` are the seconds before each acknowledgement."""
    producer, polls = FakeProducer(room=10, acknowledged=1), count(1)

    def pause() -> None:
        poll = next(polls)
        time.sleep(pauses(poll))
        producer.acknowledged = int(poll < hangs_from)

    producer.on_poll = pause
    sending = Sending(
        cast("Producer", producer),
        delivery_to(kafka_destination(), ROWS),
        "topic",
        SteadyPulse(seconds=480.0, clock=time.monotonic),
        room=Room(1_000_000, 100_000),
        most=2_000_000,
        refusals=Refusals(),
        reserve=15.0,
        flow=flow,
    )
    with pytest.raises(BackfillError) as raised:
        sending.send(NumberedBatch(0, ROWS, width=10, keyed=True))
    return raised.value


def started(time: FakeTime) -> Flow:
    """Return the flow of a delivery that begins now."""
    return Flow(time.monotonic)


@pytest.mark.parametrize("first", [1, 5])
def test_one_acknowledgement_after_a_long_stall_does_not_blame_the_chunk(first: int) -> None:
    """The broker hung, or the instance was suspended."""
    time = FakeTime()
    error = ending(time, started(time), lambda poll: 470.0 if poll == first else 1.0)
    assert type(error) is Unavailable


def test_several_stalls_count_together() -> None:
    time = FakeTime()
    error = ending(time, started(time), lambda poll: 30.0 if poll % 10 == 5 else 1.0)
    assert type(error) is Unavailable


def test_a_slow_opening_counts_as_a_stall() -> None:
    time = FakeTime()
    flow = started(time)
    time.sleep(300.0)
    assert type(ending(time, flow, lambda _: 1.0)) is Unavailable


@pytest.mark.parametrize("stall", [1.0, 5.0, 200.0])
def test_a_chunk_is_too_large_if_acknowledgements_came_most_of_the_time(stall: float) -> None:
    time = FakeTime()
    error = ending(time, started(time), lambda poll: stall if poll == 5 else 1.0)
    assert type(error) is JobFails
    assert "UNLOAD_FILE_BYTES" in error.message


def test_a_stall_at_the_end_does_not_blame_the_chunk() -> None:
    time = FakeTime()
    error = ending(time, started(time), lambda _: 1.0, hangs_from=400)
    assert type(error) is Unavailable


class Admin:
    """Answers that the topic's limit is a million bytes."""

    def describe_configs(self, asked: list[Any], **_: Any) -> dict[Any, Any]:
        answer: Future[Any] = Future()
        answer.set_result({"max.message.bytes": SimpleNamespace(value="1000000")})
        return {asked[0]: answer}


@pytest.mark.parametrize(("refused_after", "kind"), [(100.0, JobFails), (300.0, RetryLater)])
def test_transactions_that_a_refusal_broke_do_not_count_for_the_last_one(
    refused_after: float, kind: type[BackfillError], monkeypatch: pytest.MonkeyPatch
) -> None:
    time, ended = FakeTime(), list[BackfillError]()

    def attempt(*_: Any, flow: Flow, **__: Any) -> None:
        if not ended and not flow.again:
            # Acknowledgements flow, so that only the refusal makes this time useless.
            while time.passed < refused_after:
                time.sleep(1.0)
                flow.moved()
            raise BatchRefused("topic", "a refusal")
        ended.append(ending(time, flow, lambda _: 1.0))
        raise ended[0]

    sink = KafkaSink(
        {"bootstrap.servers": "127.0.0.1:1"},
        monotonic=time.monotonic,
        limits=KafkaLimits(least=0.0),
        open_admin=lambda _: Admin(),
    )
    monkeypatch.setattr(sink, "_try_to_commit", attempt)
    pulse = SteadyPulse(seconds=480.0, clock=time.monotonic)
    with pytest.raises(kind) as raised:
        sink.deliver(delivery_to(kafka_destination(), ROWS), NumberedRows(ROWS), pulse)
    assert type(raised.value) is kind
    assert kind is JobFails or "topic's max.message.bytes" in raised.value.message
