"""Exactly once on Apache Kafka, across every crash that is possible in one process."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context

import pytest
from confluent_kafka import KafkaException, Producer

from shared.destinations.kafka.names import topic_of, transaction_of
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.destinations.kafka.topics import KafkaTopics
from shared.destinations.kafka.transaction import Transaction
from shared.domain.errors import Busy, DeliveryStopped, DestinationRefused, JobFails, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.kafka_readers import read_committed
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, kafka_destination

pytestmark = pytest.mark.emulator

ROWS = 5_000


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> KafkaTopics:
    return kafka_topics(kafka_bootstrap)


@pytest.fixture
def delivery(topics: KafkaTopics) -> Iterator[ChunkDelivery]:
    """Return a chunk of 5,000 rows for a new topic."""
    delivery = delivery_to(kafka_destination(), ROWS)
    topics.create(topic_of(delivery))
    yield delivery
    topics.delete(topic_of(delivery))


@pytest.fixture(scope="module")
def sink(kafka_bootstrap: str) -> KafkaSink:
    return kafka_sink(kafka_bootstrap)


@pytest.fixture
def rows_in(kafka_bootstrap: str) -> Callable[[ChunkDelivery], list[int]]:
    return lambda delivery: [row["row"] for row in read_committed(kafka_bootstrap, topic_of(delivery))]


RowsIn = Callable[[ChunkDelivery], list[int]]
EVERY_ROW = list(range(ROWS))


def test_every_row_arrives_once_under_its_key(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str
) -> None:
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    arrived = read_committed(kafka_bootstrap, topic_of(delivery))
    assert sorted(row["row"] for row in arrived) == EVERY_ROW
    assert all(row["key"] == f"key-{row['row']}" for row in arrived)
    assert len({row["partition"] for row in arrived}) > 1


def test_rows_without_a_key_arrive_too(sink: KafkaSink, delivery: ChunkDelivery, rows_in: RowsIn) -> None:
    assert sink.deliver(delivery, NumberedRows(ROWS, keyed=False), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


def test_a_chunk_of_no_rows_is_delivered(sink: KafkaSink, delivery: ChunkDelivery) -> None:
    empty = replace(delivery, rows=0)
    assert sink.deliver(empty, NumberedRows(0), SteadyPulse())
    assert sink.markers.committed(empty)


def test_a_crash_after_the_commit_sends_nothing_again(
    sink: KafkaSink, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    """Kafka has committed, and the sender crashed before it recorded that."""
    sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


def test_a_chunk_committed_before_is_delivered_though_its_file_can_not_be_read_any_more(
    sink: KafkaSink, delivery: ChunkDelivery
) -> None:
    sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())

    def gone(first_row: int) -> None:
        raise OSError(f"row {first_row} went away")

    assert sink.deliver(delivery, NumberedRows(ROWS, before=gone), SteadyPulse())


def test_another_chunk_job_attempt_or_destination_is_sent_for_itself(
    sink: KafkaSink, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    others = [
        replace(delivery, chunk=4),
        replace(delivery, job_id="another"),
        replace(delivery, attempt_id="another"),
        replace(delivery, destination=replace(delivery.destination, uid="another")),
    ]
    for each in (delivery, *others):
        assert sink.deliver(each, NumberedRows(10), SteadyPulse())
    assert sorted(rows_in(delivery)) == sorted([*range(10)] * 5)


class Crash(BaseException):
    """Simulates the process's crash: no later code runs."""


def test_a_crash_before_the_commit_leaves_nothing_and_the_next_try_sends_all(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = kafka_sink(kafka_bootstrap)
    died: list[Transaction] = []

    def die(transaction: Transaction) -> None:
        died.append(transaction)
        raise Crash

    with monkeypatch.context() as patch:
        # The process crashes with the transaction open and everything sent: neither commit nor abort runs.
        patch.setattr(Transaction, "commit", die)
        with pytest.raises(Crash):
            sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert read_committed(kafka_bootstrap, topic_of(delivery), settled=False) == []
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW
    with pytest.raises(Busy):
        died[0].commit()
    assert sorted(rows_in(delivery)) == EVERY_ROW


def die_at_row_4_000(kafka_bootstrap: str, delivery: ChunkDelivery) -> None:
    def die(first_row: int) -> None:
        if first_row == 4_000:
            os.kill(os.getpid(), signal.SIGKILL)

    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000, bytes_ahead=0))
    sink.deliver(delivery, NumberedRows(ROWS, before=die), SteadyPulse())


def test_a_process_killed_while_sending_leaves_nothing_and_the_next_try_sends_all(
    kafka_bootstrap: str, sink: KafkaSink, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    process = get_context("spawn").Process(target=die_at_row_4_000, args=(kafka_bootstrap, delivery))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


def test_an_answer_to_the_commit_that_is_lost_is_found_out_by_the_next_try(
    sink: KafkaSink, delivery: ChunkDelivery, rows_in: RowsIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Transaction.commit

    def lose_the_answer(transaction: Transaction) -> None:
        commit(transaction)
        raise Unavailable("Kafka")

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "commit", lose_the_answer)
        with pytest.raises(Unavailable):
            sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


def test_of_two_senders_of_one_chunk_the_older_gives_way(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000, bytes_ahead=0))
    overtaken = threading.Event()

    def overtake(first_row: int) -> None:
        if first_row == 3_000 and not overtaken.is_set():
            overtaken.set()
            assert kafka_sink(kafka_bootstrap).deliver(delivery, NumberedRows(ROWS), SteadyPulse())

    with pytest.raises(Busy, match="newer"):
        sink.deliver(delivery, NumberedRows(ROWS, before=overtake), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


@pytest.mark.parametrize("ahead", [0, 1_000_000])
@pytest.mark.parametrize("reason", [DeliveryStopped("the job was cancelled"), Busy("the lease was lost")])
def test_a_chunk_that_is_stopped_leaves_nothing_behind(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn, reason: Exception, ahead: int
) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000, bytes_ahead=ahead))
    pulse = SteadyPulse()

    def stop(first_row: int) -> None:
        if first_row == 2_000:
            pulse.reason = reason

    with pytest.raises(type(reason)):
        sink.deliver(delivery, NumberedRows(ROWS, before=stop), pulse)
    assert rows_in(delivery) == []
    assert not sink.markers.committed(delivery)


@pytest.mark.parametrize("ahead", [0, 1_000_000])
def test_rows_that_can_not_be_read_leave_nothing_behind(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn, ahead: int
) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000, bytes_ahead=ahead))

    def fail(first_row: int) -> None:
        if first_row == 2_000:
            raise OSError("the staged file went away")

    with pytest.raises(OSError, match="went away"):
        sink.deliver(delivery, NumberedRows(ROWS, before=fail), SteadyPulse())
    assert rows_in(delivery) == []


def test_a_small_queue_is_waited_for(kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn) -> None:
    sink = kafka_sink(kafka_bootstrap, properties={"queue.buffering.max.messages": 100})
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(rows_in(delivery)) == EVERY_ROW


def test_a_topic_that_does_not_exist_fails_the_job_naming_it(kafka_bootstrap: str) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, topic=0.5))
    delivery = delivery_to(kafka_destination(), ROWS)
    with pytest.raises(DestinationRefused, match=topic_of(delivery)):
        sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert not kafka_topics(kafka_bootstrap).exists(topic_of(delivery))


def test_a_topic_that_is_still_spreading_is_waited_for(kafka_bootstrap: str, topics: KafkaTopics) -> None:
    delivery = delivery_to(kafka_destination(), ROWS)
    creating = threading.Timer(0.8, topics.create, [topic_of(delivery)])
    creating.start()
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, topic=60.0))
    assert sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    creating.join()
    topics.delete(topic_of(delivery))


def test_a_topic_removed_with_its_job_is_no_failure(kafka_bootstrap: str) -> None:
    delivery, pulse = delivery_to(kafka_destination(), ROWS), SteadyPulse()
    cancelled = threading.Timer(0.5, setattr, [pulse, "reason", DeliveryStopped("the job was cancelled")])
    cancelled.start()
    with pytest.raises(DeliveryStopped):
        kafka_sink(kafka_bootstrap).deliver(delivery, NumberedRows(ROWS), pulse)


def test_a_topic_removed_while_it_is_written_to_fails_the_job(
    kafka_bootstrap: str, topics: KafkaTopics
) -> None:
    delivery = delivery_to(kafka_destination(), ROWS)
    topics.create(topic_of(delivery))
    sink = kafka_sink(
        kafka_bootstrap,
        KafkaLimits(least=0.0, batch_rows=1_000, bytes_ahead=0, topic=0.5),
        {"topic.metadata.refresh.interval.ms": 200, "topic.metadata.propagation.max.ms": 500},
    )

    def remove(first_row: int) -> None:
        if first_row == 1_000:
            topics.delete(topic_of(delivery))

    with pytest.raises((DestinationRefused, Unavailable)) as first:
        sink.deliver(delivery, NumberedRows(ROWS, before=remove), SteadyPulse())
    if isinstance(first.value, Unavailable):
        # The client noticed before our own check did: the next attempt fails with the topic's name.
        with pytest.raises(DestinationRefused, match="does not exist"):
            sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert not topics.exists(topic_of(delivery))


def test_what_begins_too_late_is_left_to_a_message_of_its_own(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=240.0))
    assert not sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse(seconds=239.0))
    assert rows_in(delivery) == []


def test_a_chunk_too_large_for_the_deadline_names_the_size_to_set(
    kafka_bootstrap: str, delivery: ChunkDelivery, rows_in: RowsIn
) -> None:
    sink, pulse = (
        kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=100, bytes_ahead=0)),
        SteadyPulse(),
    )

    def run_out(first_row: int) -> None:
        if first_row == 2_000:
            pulse.seconds = 1.0

    with pytest.raises(JobFails, match="UNLOAD_FILE_BYTES"):
        sink.deliver(delivery, NumberedRows(ROWS, before=run_out), pulse)
    assert rows_in(delivery) == []


def test_no_broker_is_retried_later() -> None:
    sink = kafka_sink("127.0.0.1:1", KafkaLimits(least=0.0, step=1.0))
    with pytest.raises(Unavailable, match="Kafka"):
        sink.deliver(delivery_to(kafka_destination(), 1), NumberedRows(1), SteadyPulse())


def test_a_cancel_is_noticed_while_no_broker_answers() -> None:
    pulse = SteadyPulse()
    cancelled = threading.Timer(0.5, setattr, [pulse, "reason", DeliveryStopped("the job was cancelled")])
    cancelled.start()
    with pytest.raises(DeliveryStopped):
        kafka_sink("127.0.0.1:1").deliver(delivery_to(kafka_destination(), 1), NumberedRows(1), pulse)


def test_a_transaction_is_fenced_by_its_name_alone(
    kafka_bootstrap: str, sink: KafkaSink, delivery: ChunkDelivery
) -> None:
    older = Producer(
        {"bootstrap.servers": kafka_bootstrap, "transactional.id": transaction_of(delivery), "log_level": 0}
    )
    older.init_transactions(60)
    older.begin_transaction()
    older.produce(topic_of(delivery), b"{}")
    sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    with pytest.raises(KafkaException):
        older.commit_transaction(60)


def test_every_message_of_a_fenced_sender_is_reported(kafka_bootstrap: str, delivery: ChunkDelivery) -> None:
    """Without its report, the client library never frees a message. The abort of a fenced sender fails."""
    properties = {
        "bootstrap.servers": kafka_bootstrap,
        "transactional.id": transaction_of(delivery),
        "log_level": 0,
    }
    producer, reported = Producer(properties), list[object]()
    older, newer = (
        Transaction(client, delivery, timeout=30.0) for client in (producer, Producer(properties))
    )
    older.fence(SteadyPulse())
    older.begin()
    newer.fence(SteadyPulse())
    taken = 0
    with suppress(KafkaException):  # of a sender that is told early
        for _ in range(1_000):
            producer.produce(topic_of(delivery), b"{}", on_delivery=lambda error, _: reported.append(error))
            taken += 1
    # The first message of a partition tells the sender that it is fenced.
    until = time.monotonic() + 30.0
    while is_sound(older):
        assert time.monotonic() < until, "the sender did not learn that it is fenced"
    assert "fenced" in older.abort()
    assert len(reported) == taken > 0


def is_sound(transaction: Transaction) -> bool:
    try:
        transaction.require_sound()
    except KafkaException:
        return False
    return True
