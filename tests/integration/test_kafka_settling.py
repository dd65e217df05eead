"""What an ended job's crashed senders left on Apache Kafka is found and fenced at once."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaException, Producer

from shared.destinations.kafka.names import topic_of, transaction_of
from shared.destinations.kafka.settling import SettledMarkers
from shared.destinations.kafka.topics import KafkaTopics
from shared.steps.sending import ChunkDelivery
from tests.fakes.kafka_readers import read_committed
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, kafka_destination

pytestmark = pytest.mark.emulator

ROWS = 10


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> KafkaTopics:
    return kafka_topics(kafka_bootstrap)


@pytest.fixture
def delivery(topics: KafkaTopics) -> Iterator[ChunkDelivery]:
    delivery = delivery_to(kafka_destination(), ROWS)
    topics.create(topic_of(delivery))
    yield delivery
    topics.delete(topic_of(delivery))


@pytest.fixture
def markers(kafka_bootstrap: str) -> SettledMarkers:
    client = {"bootstrap.servers": kafka_bootstrap, "log_level": 0}
    return SettledMarkers(client, timeout=30.0, monotonic=time.monotonic)


def left_open(bootstrap: str, delivery: ChunkDelivery) -> Producer:
    """Start a sender that stops in the middle of its transaction."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": transaction_of(delivery), "log_level": 0}
    )
    producer.init_transactions(60.0)
    producer.begin_transaction()
    producer.produce(topic_of(delivery), b"half a chunk")
    assert producer.flush(60.0) == 0
    return producer


def test_a_transaction_that_its_sender_left_open_is_aborted_and_its_chunk_has_not_arrived(
    kafka_bootstrap: str, delivery: ChunkDelivery, markers: SettledMarkers
) -> None:
    sender = left_open(kafka_bootstrap, delivery)
    began = time.monotonic()
    assert not markers.committed(delivery)
    assert time.monotonic() - began < 30.0  # seconds; the transaction's own timeout is a minute
    assert read_committed(kafka_bootstrap, topic_of(delivery)) == []
    with pytest.raises(KafkaException):
        sender.commit_transaction(60.0)


def test_a_chunk_that_was_committed_and_not_recorded_is_found(
    kafka_bootstrap: str, delivery: ChunkDelivery, markers: SettledMarkers
) -> None:
    assert kafka_sink(kafka_bootstrap).deliver(delivery, NumberedRows(ROWS), SteadyPulse())
    assert markers.committed(delivery)


def test_a_chunk_that_nobody_ever_sent_has_not_arrived(
    delivery: ChunkDelivery, markers: SettledMarkers
) -> None:
    assert not markers.committed(delivery)
