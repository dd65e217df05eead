"""Sending and committing with Kafka errors that a real broker shows only by chance."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.markers import Markers
from shared.destinations.kafka.presence import require_topic
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.transaction import Transaction
from shared.domain.errors import (
    BackfillError,
    Busy,
    DeliveryStopped,
    DestinationRefused,
    JobFails,
    Unavailable,
)
from tests.fakes.kafka_producers import FakeConsumer, FakeProducer, FoundMarker, kafka_error
from tests.fakes.sending import NumberedBatch, SteadyPulse, delivery_to, kafka_destination
from tests.fakes.webhook_sinks import FakeTime

BATCH = NumberedBatch(0, 20, width=10, keyed=True)


def sending(
    producer: FakeProducer, pulse: SteadyPulse, time: FakeTime, *, on_stall: Callable[[], None] = lambda: None
) -> Sending:
    return Sending(
        cast("Producer", producer),
        delivery_to(kafka_destination(), 20),
        "topic",
        pulse,
        room=Room(1_000_000, 100_000),
        most=2_000_000,
        refusals=Refusals(),
        reserve=15.0,
        flow=Flow(time.monotonic),
        on_stall=on_stall,
    )


def transaction(producer: FakeProducer, timeout: float = 3.0, marking: float = 3.0) -> Transaction:
    delivery = delivery_to(kafka_destination(), 20)
    return Transaction(cast("Producer", producer), delivery, timeout=timeout, marking=marking)


def deadline(time: FakeTime) -> SteadyPulse:
    """Return a pulse that ends 100 s from now."""
    return SteadyPulse(seconds=100.0, clock=time.monotonic)


def test_a_full_queue_is_waited_for() -> None:
    producer = FakeProducer(room=10, acknowledged=1)
    sent = sending(producer, SteadyPulse(), FakeTime())
    sent.send(BATCH)
    sent.finish()
    assert producer.called.count("produce") == 20 + 10


def test_a_full_queue_that_stays_full_is_asked_again() -> None:
    producer, time = FakeProducer(room=10), FakeTime()
    polls = 0

    def drain() -> None:
        nonlocal polls
        polls += 1
        producer.acknowledged = 10 if polls == 3 else 0

    producer.on_poll = drain
    sending(producer, SteadyPulse(), time).send(BATCH)
    assert producer.waiting == 10
    assert polls == 4


def test_a_broker_that_acknowledges_nothing_is_out_of_reach() -> None:
    time = FakeTime()
    producer = FakeProducer(room=10, on_poll=lambda: time.sleep(1.0))
    with pytest.raises(Unavailable, match="Kafka"):
        sending(producer, deadline(time), time).send(BATCH)
    assert time.passed < 100.0


def test_a_topic_that_vanishes_with_messages_on_their_way_is_looked_for() -> None:
    """The client library may wait forever for it."""
    time = FakeTime()
    producer = FakeProducer(room=100, on_poll=lambda: time.sleep(1.0))
    asked: list[float] = []

    def gone() -> None:
        asked.append(time.monotonic())
        if len(asked) == 2:
            raise DestinationRefused("Kafka topic topic does not exist")

    stalled = sending(producer, deadline(time), time, on_stall=gone)
    stalled.send(BATCH)
    with pytest.raises(DestinationRefused):
        stalled.finish()
    assert asked[1] - asked[0] > 5.0


def test_a_broker_that_is_only_slow_says_that_the_chunk_is_too_large() -> None:
    time = FakeTime()
    producer = FakeProducer(room=10, acknowledged=1, on_poll=lambda: time.sleep(3.0))
    with pytest.raises(JobFails, match="UNLOAD_FILE_BYTES"):
        sending(producer, deadline(time), time).send(NumberedBatch(0, 100, width=10, keyed=True))


def test_a_stop_is_noticed_while_the_queue_is_full() -> None:
    pulse = SteadyPulse()
    producer = FakeProducer(
        room=10, on_poll=lambda: setattr(pulse, "reason", DeliveryStopped("the job was cancelled"))
    )
    with pytest.raises(DeliveryStopped):
        sending(producer, pulse, FakeTime()).send(BATCH)


def test_a_stop_is_noticed_while_acknowledgements_are_waited_for() -> None:
    pulse = SteadyPulse()
    producer = FakeProducer(room=100)
    sent = sending(producer, pulse, FakeTime())
    sent.send(BATCH)
    producer.on_poll = lambda: setattr(pulse, "reason", DeliveryStopped("the job was cancelled"))
    with pytest.raises(DeliveryStopped):
        sent.finish()


def test_a_transaction_that_broke_tells_why() -> None:
    producer = FakeProducer(
        errors={
            "produce": [None, kafka_error(KafkaError._STATE)],
            "send_offsets_to_transaction": [kafka_error(KafkaError.MSG_SIZE_TOO_LARGE)],
        }
    )
    with pytest.raises(KafkaException) as raised, transaction(producer).telling_why():
        sending(producer, SteadyPulse(), FakeTime()).send(BATCH)
    assert raised.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE


@pytest.mark.parametrize("code", [KafkaError._STATE, KafkaError._TRANSPORT])
def test_without_a_better_reason_the_error_stays_as_it_is(code: int) -> None:
    producer = FakeProducer()
    with pytest.raises(KafkaException) as raised, transaction(producer).telling_why():
        raise kafka_error(code)
    assert raised.value.args[0].code() == code


def test_fencing_goes_on_where_it_ran_out_of_time() -> None:
    slow = kafka_error(KafkaError._TIMED_OUT, retriable=True)
    producer = FakeProducer(errors={"init_transactions": [slow, slow, None]})
    transaction(producer).fence(SteadyPulse())
    assert producer.called == ["init_transactions"] * 3


def test_fencing_gives_up_after_its_time() -> None:
    slow = kafka_error(KafkaError._TIMED_OUT, retriable=True)
    producer = FakeProducer(errors={"init_transactions": [slow] * 5})
    with pytest.raises(Unavailable, match="Kafka"):
        transaction(producer, timeout=3.0).fence(SteadyPulse())
    assert len(producer.called) == 3


def test_a_transactional_id_that_is_not_granted_fails_the_job() -> None:
    error = kafka_error(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    with pytest.raises(DestinationRefused, match="does not allow"):
        transaction(FakeProducer(errors={"init_transactions": [error]})).fence(SteadyPulse())


@pytest.mark.parametrize(
    ("error", "kind", "then"),
    [
        (kafka_error(KafkaError._TIMED_OUT, retriable=True), Unavailable, []),
        (kafka_error(KafkaError._FENCED), Busy, []),
        (
            kafka_error(KafkaError.TOPIC_AUTHORIZATION_FAILED, requires_abort=True),
            DestinationRefused,
            ["abort_transaction", "purge", "poll"],
        ),
    ],
)
def test_only_a_commit_that_surely_failed_is_aborted(
    error: KafkaException, kind: type[BackfillError], then: list[Any]
) -> None:
    producer = FakeProducer(errors={"commit_transaction": [error]})
    with pytest.raises(kind):
        transaction(producer).commit()
    assert producer.called == ["commit_transaction", *then]


def test_an_abort_that_fails_says_so_and_raises_nothing() -> None:
    producer = FakeProducer(errors={"abort_transaction": [kafka_error(KafkaError._FENCED)]})
    assert transaction(producer).abort() == "made up"
    assert transaction(producer).abort() == ""


@pytest.mark.parametrize("error", [None, kafka_error(KafkaError._FENCED)])
def test_the_messages_of_an_aborted_transaction_are_reported(error: Exception | None) -> None:
    """Without its report, the client library never frees a message. A failed abort drops none."""
    producer = FakeProducer(errors={"abort_transaction": [error]})
    transaction(producer).abort()
    assert producer.called == ["abort_transaction", "purge", "poll"]


@pytest.mark.parametrize("error", [kafka_error(KafkaError._FENCED), SystemError("returned a result")])
def test_an_error_in_the_midst_of_the_reports_does_not_end_them(error: Exception) -> None:
    producer = FakeProducer(errors={"poll": [error, None]})
    assert transaction(producer).abort() == ""
    assert producer.called == ["abort_transaction", "purge", "poll", "poll"]


def test_an_error_that_lasts_ends_the_reports_and_hides_nothing() -> None:
    producer = FakeProducer(errors={"poll": [kafka_error(KafkaError._FATAL)] * 10})
    assert transaction(producer).abort() == ""


def markers(time: FakeTime, *answers: FoundMarker, topic_error: KafkaError | None = None) -> Markers:
    consumer = FakeConsumer(list(answers), topic_error, on_poll=lambda: time.sleep(1.0))
    return Markers({}, timeout=5.0, monotonic=time.monotonic, open_consumer=lambda _: consumer)


UNSTABLE = FoundMarker(error=KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT))


def test_a_commit_that_is_just_being_carried_out_is_waited_for() -> None:
    delivery = delivery_to(kafka_destination(), 20)
    assert markers(FakeTime(), UNSTABLE, UNSTABLE, FoundMarker(offset=20)).committed(delivery)
    assert not markers(FakeTime(), UNSTABLE, FoundMarker()).committed(delivery)


@pytest.mark.parametrize("code", [KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE])
def test_a_group_whose_coordinator_is_just_being_found_is_waited_for(code: int) -> None:
    moved = FoundMarker(error=KafkaError(code))
    assert markers(FakeTime(), moved, FoundMarker(offset=20)).committed(delivery_to(kafka_destination(), 20))


def test_a_marker_that_outlives_its_topic_counts_for_nothing() -> None:
    gone = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    found = markers(FakeTime(), FoundMarker(offset=20), topic_error=gone)
    assert not found.committed(delivery_to(kafka_destination(), 20))


def test_a_marker_whose_topic_can_not_be_asked_for_is_unknown() -> None:
    forbidden = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    found = markers(FakeTime(), FoundMarker(offset=20), topic_error=forbidden)
    with pytest.raises(DestinationRefused, match="does not allow"):
        found.committed(delivery_to(kafka_destination(), 20))


def test_a_marker_is_unknown_while_its_transaction_stays_open() -> None:
    with pytest.raises(Unavailable, match="Kafka"):
        markers(FakeTime(), *[UNSTABLE] * 10).committed(delivery_to(kafka_destination(), 20))


def test_a_marker_that_must_not_be_read_fails_the_job() -> None:
    forbidden = FoundMarker(error=KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    with pytest.raises(DestinationRefused, match="does not allow"):
        markers(FakeTime(), forbidden).committed(delivery_to(kafka_destination(), 20))


def look_for_topic(*codes: int, pulse: SteadyPulse | None = None) -> FakeTime:
    """Look up a topic with these errors; each pause lasts a second."""
    time = FakeTime()
    errors = [KafkaError(code) for code in codes]
    producer = FakeProducer(metadata_errors=errors, on_poll=lambda: time.sleep(1.0))
    require_topic(
        cast("Producer", producer),
        "topic",
        pulse or SteadyPulse(),
        limits=KafkaLimits(least=0.0),
        monotonic=time.monotonic,
    )
    return time


MISSING = KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_new_topic_is_given_time_to_spread() -> None:
    assert look_for_topic(MISSING, KafkaError.LEADER_NOT_AVAILABLE, MISSING).passed == 3.0


def test_a_topic_that_stays_missing_fails_the_job() -> None:
    with pytest.raises(DestinationRefused, match="topic does not exist"):
        look_for_topic(*[MISSING] * 10)


def test_a_broker_out_of_reach_is_waited_for_longer_than_a_topic() -> None:
    assert look_for_topic(*[KafkaError._TRANSPORT] * 20).passed == 20.0
    with pytest.raises(Unavailable, match="Kafka"):
        look_for_topic(*[KafkaError._TRANSPORT] * 40)


def test_a_topic_that_is_not_granted_fails_the_job_at_once() -> None:
    with pytest.raises(DestinationRefused, match="does not allow"):
        look_for_topic(KafkaError.TOPIC_AUTHORIZATION_FAILED)


def test_a_missing_topic_of_a_job_that_ended_is_no_failure() -> None:
    with pytest.raises(DeliveryStopped):
        look_for_topic(MISSING, pulse=SteadyPulse(reason=DeliveryStopped("the job was cancelled")))


def test_a_marker_whose_call_never_comes_back_is_given_up() -> None:
    """The client library may wait forever for its coordinator."""
    for_ever = threading.Event()
    producer = FakeProducer(on_marker=for_ever.wait)
    try:
        with pytest.raises(Unavailable, match="Kafka"):
            transaction(producer, marking=0.5).mark()
    finally:
        for_ever.set()
    assert producer.called == ["send_offsets_to_transaction"]


def test_what_goes_wrong_with_a_marker_is_raised_as_it_is() -> None:
    error = kafka_error(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    producer = FakeProducer(errors={"send_offsets_to_transaction": [error]})
    with pytest.raises(KafkaException) as caught:
        transaction(producer).mark()
    assert caught.value is error
