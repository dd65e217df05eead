"""The guarantees of every sink to the delivery step, including the fake sink."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from infra.local.supervisor import LocalStack
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.settings import KafkaLimits
from shared.domain.destination import AT_LEAST_ONCE, Destination
from shared.domain.errors import Busy, DeliveryStopped
from shared.steps.sending import ChunkDelivery, Sink
from tests.fakes.external_kafka import ExternalTopic
from tests.fakes.gcs_sinks import Buckets, gcs_client
from tests.fakes.kafka_readers import read_committed
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.nats_sinks import Subject, nats_sink
from tests.fakes.pubsub_sinks import Topic, pubsub_sink
from tests.fakes.receivers import Receiver
from tests.fakes.sending import (
    NumberedRows,
    SteadyPulse,
    delivery_to,
    kafka_destination,
    webhook_destination,
)
from tests.fakes.sinks import FakeSink
from tests.fakes.sns_sinks import SnsTopic, sns_sink
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink

ROWS = 95


@dataclass(frozen=True)
class Case:
    """A sink, a chunk of 95 rows for a destination of its kind, and the rows that arrived there.

    ``repeats``: a chunk sent twice arrives twice, and its receiver drops the second one.
    """

    sink: Sink
    delivery: ChunkDelivery
    arrived: Callable[[], list[int]]
    repeats: bool = False


@pytest.fixture
def fake() -> Case:
    sink = FakeSink()
    delivery = delivery_to(kafka_destination(), ROWS)
    return Case(sink, delivery, lambda: [json.loads(line)["row"] for line in sink.lines()])


@pytest.fixture
def webhook() -> Iterator[Case]:
    connections = loopback_connections()
    with Receiver() as receiver:
        delivery = delivery_to(webhook_destination(receiver.url), ROWS)
        yield Case(webhook_sink(connections, FakeTime()), delivery, receiver.rows, repeats=True)
    connections.close()


@pytest.fixture
def kafka(kafka_bootstrap: str) -> Iterator[Case]:
    yield from kafka_case(kafka_bootstrap, kafka_destination())


@pytest.fixture
def kafka_at_least_once(kafka_bootstrap: str) -> Iterator[Case]:
    yield from kafka_case(kafka_bootstrap, kafka_destination(AT_LEAST_ONCE), repeats=True)


def kafka_case(bootstrap: str, destination: Destination, *, repeats: bool = False) -> Iterator[Case]:
    topics, delivery = kafka_topics(bootstrap), delivery_to(destination, ROWS)
    topic = topic_of(delivery)
    topics.create(topic)
    sink = kafka_sink(bootstrap, KafkaLimits(least=0.0, batch_rows=10))
    yield Case(sink, delivery, lambda: [row["row"] for row in read_committed(bootstrap, topic)], repeats)
    topics.delete(topic)


@pytest.fixture
def external_kafka(secure_kafka: LocalStack) -> Case:
    topic = ExternalTopic(secure_kafka)
    return Case(topic.sink(batch_rows=10), topic.delivery(ROWS), topic.rows)


@pytest.fixture
def gcs(gcs_url: str, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_url)
    buckets = Buckets(gcs_client())
    return Case(buckets.sink(), buckets.delivery(ROWS, format="ndjson"), buckets.rows)


@pytest.fixture
def pubsub(pubsub_host: str, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_host)
    topic = Topic()
    return Case(pubsub_sink(), topic.delivery(ROWS), topic.rows, repeats=True)


@pytest.fixture
def sns(sns_url: str) -> Case:
    topic = SnsTopic(sns_url)
    return Case(sns_sink(), topic.delivery(ROWS), topic.rows, repeats=True)


@pytest.fixture
def nats(nats_host: str) -> Case:
    subject = Subject(nats_host)
    return Case(nats_sink(), subject.delivery(ROWS), subject.rows)


REAL = [
    pytest.param(name, marks=pytest.mark.emulator)
    for name in ("kafka", "kafka_at_least_once", "external_kafka", "gcs", "pubsub", "sns", "nats")
]


@pytest.fixture(params=["fake", "webhook", *REAL])
def case(request: pytest.FixtureRequest) -> Case:
    built: Case = request.getfixturevalue(request.param)
    return built


def test_true_means_that_every_row_arrived_once(case: Case) -> None:
    assert case.sink.deliver(case.delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(case.arrived()) == list(range(ROWS))


def test_a_chunk_of_no_rows_is_delivered(case: Case) -> None:
    assert case.sink.deliver(case.delivery, NumberedRows(0), SteadyPulse())
    assert case.arrived() == []


def test_a_chunk_delivered_again_adds_no_new_row(case: Case) -> None:
    for _ in range(2):
        assert case.sink.deliver(case.delivery, NumberedRows(ROWS), SteadyPulse())
    assert len(case.arrived()) == ROWS * (2 if case.repeats else 1)
    assert sorted(set(case.arrived())) == list(range(ROWS))


@pytest.mark.parametrize("reason", [DeliveryStopped("the job was cancelled"), Busy("the lease was lost")])
def test_the_pulse_stops_it_before_the_first_row(case: Case, reason: Exception) -> None:
    with pytest.raises(type(reason)):
        case.sink.deliver(case.delivery, NumberedRows(ROWS), SteadyPulse(reason=reason))
    assert case.arrived() == []


def test_no_batch_starts_after_the_pulse_stopped_it(case: Case) -> None:
    pulse = SteadyPulse()

    def stop(first_row: int) -> None:
        assert first_row <= 50, "a batch was read after the stop"
        if first_row == 50:
            pulse.reason = DeliveryStopped("the job was cancelled")

    with pytest.raises(DeliveryStopped):
        case.sink.deliver(case.delivery, NumberedRows(ROWS, before=stop), pulse)
    assert max(case.arrived(), default=0) < 60


def test_a_stopped_chunk_arrives_whole_when_it_is_sent_again(case: Case) -> None:
    def fail(first_row: int) -> None:
        if first_row == 50:
            raise OSError("the staged file went away")

    with pytest.raises(OSError, match="went away"):
        case.sink.deliver(case.delivery, NumberedRows(ROWS, before=fail), SteadyPulse())
    assert case.sink.deliver(case.delivery, NumberedRows(ROWS), SteadyPulse())
    assert sorted(set(case.arrived())) == list(range(ROWS))
