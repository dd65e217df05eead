"""At least once on Apache Kafka: its guarantees, and what it does not guarantee."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.destination import AT_LEAST_ONCE
from shared.domain.errors import DeliveryStopped, DestinationRefused, Unavailable
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
    """Return a chunk of 5,000 rows for a new topic with at_least_once."""
    delivery = delivery_to(kafka_destination(AT_LEAST_ONCE), ROWS)
    topics.create(topic_of(delivery))
    yield delivery
    topics.delete(topic_of(delivery))


@pytest.fixture(scope="module")
def sink(kafka_bootstrap: str) -> KafkaSink:
    return kafka_sink(kafka_bootstrap)


def label(row: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(row["headers"][name] for name in ("beam-job-id", "beam-chunk", "beam-row"))


def test_every_row_arrives_under_its_key_and_names_itself(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str
) -> None:
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    arrived = read_committed(kafka_bootstrap, topic_of(delivery))
    assert sorted(row["row"] for row in arrived) == list(range(ROWS))
    assert all(row["key"] == f"key-{row['row']}" for row in arrived)
    assert all(label(row) == (delivery.job_id.encode(), b"3", b"%d" % row["row"]) for row in arrived)


def test_a_chunk_that_is_sent_again_repeats_its_rows_and_each_repeat_is_recognizable(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str
) -> None:
    """It happens after a crash before the delivery was recorded."""
    for _ in range(2):
        assert sink.deliver(delivery, NumberedRows(100), SteadyPulse())
    sink.deliver(replace(delivery, chunk=4), NumberedRows(100), SteadyPulse())
    arrived = read_committed(kafka_bootstrap, topic_of(delivery))
    assert len(arrived) == 300
    once = {label(row): row["row"] for row in arrived}
    assert len(once) == 200
    assert sorted(once.values()) == sorted([*range(100)] * 2)


def test_exactly_once_carries_no_headers(kafka_bootstrap: str, sink: KafkaSink, topics: KafkaTopics) -> None:
    delivery = delivery_to(kafka_destination(), 10)
    topics.create(topic_of(delivery))
    sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    assert all(row["headers"] == {} for row in read_committed(kafka_bootstrap, topic_of(delivery)))
    topics.delete(topic_of(delivery))


def test_there_is_no_marker(sink: KafkaSink, delivery: ChunkDelivery) -> None:
    sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    assert not sink.markers.committed(delivery)


def test_of_a_topic_that_has_vanished_kafka_tells_that_it_has_nothing(
    sink: KafkaSink, topics: KafkaTopics
) -> None:
    delivery = delivery_to(kafka_destination(), 10)
    assert not sink.markers.committed(delivery)
    topics.create(topic_of(delivery))
    sink.deliver(delivery, NumberedRows(10), SteadyPulse())
    assert sink.markers.committed(delivery)
    topics.delete(topic_of(delivery))
    until = time.monotonic() + 60
    while sink.markers.committed(delivery):
        assert time.monotonic() < until, "the marker outlived its topic"


def test_a_chunk_that_is_stopped_sends_no_more(kafka_bootstrap: str, delivery: ChunkDelivery) -> None:
    sink, pulse = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000)), SteadyPulse()

    def stop(first_row: int) -> None:
        if first_row == 2_000:
            pulse.reason = DeliveryStopped("the job was cancelled")

    with pytest.raises(DeliveryStopped):
        sink.deliver(delivery, NumberedRows(ROWS, before=stop), pulse)
    assert all(row["row"] < 3_000 for row in read_committed(kafka_bootstrap, topic_of(delivery)))


def test_a_topic_that_does_not_exist_fails_the_job_naming_it(kafka_bootstrap: str) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=0.0, topic=0.5))
    delivery = delivery_to(kafka_destination(AT_LEAST_ONCE), ROWS)
    with pytest.raises(DestinationRefused, match=topic_of(delivery)):
        sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())


def test_a_topic_removed_while_it_is_written_to_is_looked_for_by_the_next_try(
    kafka_bootstrap: str, topics: KafkaTopics
) -> None:
    delivery = delivery_to(kafka_destination(AT_LEAST_ONCE), ROWS)
    topics.create(topic_of(delivery))
    quick = {"topic.metadata.refresh.interval.ms": 200, "topic.metadata.propagation.max.ms": 500}
    sink = kafka_sink(
        kafka_bootstrap, KafkaLimits(least=0.0, batch_rows=1_000, topic=0.5, message=5.0), quick
    )

    def remove(first_row: int) -> None:
        if first_row == 1_000:
            topics.delete(topic_of(delivery))

    with pytest.raises(Unavailable, match="Kafka"):
        sink.deliver(delivery, NumberedRows(ROWS, before=remove), SteadyPulse())
    with pytest.raises(DestinationRefused, match="does not exist"):
        sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert not topics.exists(topic_of(delivery))


def test_no_broker_is_retried_later_and_a_cancel_noticed_meanwhile() -> None:
    delivery = delivery_to(kafka_destination(AT_LEAST_ONCE), 1)
    sink = kafka_sink("127.0.0.1:1", KafkaLimits(least=0.0, step=1.0))
    with pytest.raises(Unavailable, match="Kafka"):
        sink.deliver(delivery, NumberedRows(1), SteadyPulse())
    pulse = SteadyPulse()
    cancelled = threading.Timer(0.5, setattr, [pulse, "reason", DeliveryStopped("the job was cancelled")])
    cancelled.start()
    with pytest.raises(DeliveryStopped):
        kafka_sink("127.0.0.1:1").deliver(delivery, NumberedRows(1), pulse)


def test_what_begins_too_late_is_left_to_a_message_of_its_own(
    kafka_bootstrap: str, delivery: ChunkDelivery
) -> None:
    sink = kafka_sink(kafka_bootstrap, KafkaLimits(least=240.0))
    assert not sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse(seconds=239.0))
    assert read_committed(kafka_bootstrap, topic_of(delivery)) == []


def test_a_topic_that_was_made_anew_has_all_rows_of_the_next_chunk(
    sink: KafkaSink, topics: KafkaTopics, delivery: ChunkDelivery, kafka_bootstrap: str
) -> None:
    """The producer is kept, and remembers the old partitions and what it sent to them."""
    assert sink.deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    topics.delete(topic_of(delivery))
    until = time.monotonic() + 60
    while topics.exists(topic_of(delivery)):
        assert time.monotonic() < until, "the topic was not removed"
    topics.create(topic_of(delivery))
    again = replace(delivery, chunk=4)
    assert sink.deliver(again, NumberedRows(ROWS), SteadyPulse())
    arrived = read_committed(kafka_bootstrap, topic_of(delivery))
    assert {label(row)[1] for row in arrived} == {b"4"}
    assert sorted(row["row"] for row in arrived) == list(range(ROWS))
