"""A topic's limit on Apache Kafka: batches fit, and a row that does not is named or skipped."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from shared.destinations.kafka.names import labels_of, topic_of
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sizes import batch_of_one
from shared.destinations.kafka.topics import KafkaTopics
from shared.destinations.kafka.transaction import Transaction
from shared.domain.oversized import NONE_SKIPPED, RowTooLarge
from shared.steps.sending import ChunkDelivery
from tests.fakes.kafka_readers import read_committed
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.sending import SteadyPulse, delivery_to, kafka_destination
from tests.fakes.sized import SizedRows

pytestmark = pytest.mark.emulator

LIMITS = (5_000, 100_000, 10_000_000)
KB = [1_000] * 300
MANY = KafkaLimits(least=0.0, batch_rows=100)


@pytest.fixture(scope="module")
def topics(kafka_bootstrap: str) -> KafkaTopics:
    return kafka_topics(kafka_bootstrap)


@pytest.fixture(params=[None, "at_least_once"], ids=["exactly_once", "at_least_once"])
def delivery(request: pytest.FixtureRequest, topics: KafkaTopics) -> Iterator[ChunkDelivery]:
    """Return a chunk for a new topic."""
    delivery = delivery_to(kafka_destination(request.param), 301)
    topics.create(topic_of(delivery))
    yield delivery
    topics.delete(topic_of(delivery))


@pytest.fixture
def limit_to(kafka_bootstrap: str, delivery: ChunkDelivery) -> Callable[[int], None]:
    """Return a function that sets the topic's `max.message.bytes`, and waits until the broker confirms it."""
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap, "log_level": 0})

    def limit(size: int) -> None:
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource(ResourceType.TOPIC, topic_of(delivery), incremental_configs=[entry])
        admin.incremental_alter_configs([change])[change].result(60)
        asked = ConfigResource(ResourceType.TOPIC, topic_of(delivery))
        until = time.monotonic() + 60
        while admin.describe_configs([asked])[asked].result(60)["max.message.bytes"].value != str(size):
            assert time.monotonic() < until, "the topic's limit was not changed"

    return limit


@pytest.fixture
def arrived(kafka_bootstrap: str, delivery: ChunkDelivery) -> Callable[[], Counter[int]]:
    """Return how often each row arrived."""
    return lambda: Counter(row["row"] for row in read_committed(kafka_bootstrap, topic_of(delivery)))


Arrived = Callable[[], Counter[int]]
LimitTo = Callable[[int], None]


def fitting(delivery: ChunkDelivery, limit: int, row: int) -> int:
    """Return the size of the largest row whose message is accepted."""
    exactly_once = delivery.destination.delivery is None
    headers = () if exactly_once else labels_of(delivery, [row])[0]
    overhead = batch_of_one(b"x" * limit, b"key-%d" % row, headers) - limit
    return limit - overhead


def once(rows: range | set[int]) -> Counter[int]:
    return Counter(rows)


@pytest.mark.parametrize("limit", LIMITS)
def test_batches_fit_and_so_does_a_row_just_below_the_limit(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit: int, limit_to: LimitTo, arrived: Arrived
) -> None:
    limit_to(limit)
    rows = SizedRows([*KB, fitting(delivery, limit, 300)])
    pulse = SteadyPulse()
    assert kafka_sink(kafka_bootstrap).deliver(delivery, rows, pulse)
    assert arrived() == once(range(301))
    assert pulse.skipped == NONE_SKIPPED
    assert pulse.checkpoints == []


@pytest.mark.parametrize("limit", LIMITS)
def test_a_row_just_above_the_limit_is_named_with_all_that_is_to_be_known(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit: int, limit_to: LimitTo, arrived: Arrived
) -> None:
    limit_to(limit)
    rows = SizedRows([*KB, fitting(delivery, limit, 300) + 1])
    with pytest.raises(RowTooLarge) as named:
        kafka_sink(kafka_bootstrap).deliver(delivery, rows, SteadyPulse())
    assert named.value.message.startswith(
        f"Row 300 of chunk 3 (key key-300) has {limit + 1:,} bytes, more than Kafka topic"
        f" {topic_of(delivery)} (its max.message.bytes) takes: {limit:,} bytes."
    )
    assert "oversized_rows set to skip" in named.value.message
    assert arrived() <= once(range(300))
    assert delivery.destination.delivery is not None or not arrived()


@pytest.mark.parametrize("limit", LIMITS)
def test_where_such_rows_are_left_out_all_others_arrive_once(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit: int, limit_to: LimitTo, arrived: Arrived
) -> None:
    limit_to(limit)
    sizes = [*KB, fitting(delivery, limit, 300)]
    sizes[123] = limit + 1
    pulse = SteadyPulse()
    skipping = replace(delivery, skip_oversized=True)
    assert kafka_sink(kafka_bootstrap, MANY).deliver(skipping, SizedRows(sizes), pulse)
    assert arrived() == once(set(range(301)) - {123})
    assert pulse.skipped.rows == 1
    assert [(row.row, row.key, row.limit) for row in pulse.skipped.named] == [(123, "key-123", limit)]


def test_many_such_rows_are_all_named(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit_to: LimitTo, arrived: Arrived
) -> None:
    limit_to(5_000)
    large = set(range(0, 300, 10))
    rows = SizedRows([6_000 if number in large else 1_000 for number in range(301)])
    pulse = SteadyPulse()
    assert kafka_sink(kafka_bootstrap, MANY).deliver(replace(delivery, skip_oversized=True), rows, pulse)
    assert arrived() == once(set(range(301)) - large)
    assert {row.row for row in pulse.skipped.named} == large
    assert pulse.skipped.rows == len(large)


def test_a_row_that_fits_once_it_is_compressed_arrives(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit_to: LimitTo, arrived: Arrived
) -> None:
    limit_to(5_000)
    assert kafka_sink(kafka_bootstrap).deliver(delivery, SizedRows([*KB, 500_000], flat=True), SteadyPulse())
    assert arrived() == once(range(301))


def test_a_row_larger_than_the_client_takes_is_named_with_its_setting(
    kafka_bootstrap: str, delivery: ChunkDelivery, arrived: Arrived
) -> None:
    sink = kafka_sink(kafka_bootstrap, properties={"message.max.bytes": 100_000})
    rows = SizedRows([1_000, 100_000, 1_000])
    with pytest.raises(RowTooLarge, match=r"Kafka client \(its message.max.bytes\).*100,000.*KAFKA_CLIENT"):
        sink.deliver(delivery, rows, SteadyPulse())
    pulse = SteadyPulse()
    assert sink.deliver(replace(delivery, skip_oversized=True), rows, pulse)
    assert set(arrived()) == {0, 2}
    assert [row.row for row in pulse.skipped.named] == [1]


def test_every_row_around_the_clients_limit_arrives_or_is_named(
    kafka_bootstrap: str, delivery: ChunkDelivery, arrived: Arrived
) -> None:
    """The client refuses a large message with the same error as a topic."""
    limit, sizes = 20_000, range(19_800, 20_010)
    sink = kafka_sink(kafka_bootstrap, properties={"message.max.bytes": limit})
    pulse = SteadyPulse()
    assert sink.deliver(replace(delivery, skip_oversized=True), SizedRows(sizes), pulse)
    named = [row.row for row in pulse.skipped.named]
    assert named == list(range(named[0], len(sizes)))
    assert arrived() == once(range(named[0]))
    assert pulse.skipped.named[0].size == limit + 1


@pytest.mark.parametrize("at", [0, 500, 1_000])
def test_a_limit_that_shrinks_meanwhile_loses_and_doubles_nothing(
    kafka_bootstrap: str, delivery: ChunkDelivery, limit_to: LimitTo, arrived: Arrived, at: int
) -> None:
    """The topic's limit is cached from the previous chunk."""
    sink = kafka_sink(kafka_bootstrap, MANY)
    assert sink.deliver(replace(delivery, chunk=2), SizedRows([1_000]), SteadyPulse())

    def shrink(first_row: int) -> None:
        if first_row == at:
            limit_to(5_000)

    rows = SizedRows([1_000] * 1_500, before=shrink)
    assert sink.deliver(delivery, rows, SteadyPulse())
    assert arrived() == once(range(1_500)) + Counter([0])
    assert sink.deliver(replace(delivery, chunk=4), SizedRows([1_000]), SteadyPulse())


def test_what_is_left_out_is_recorded_before_the_commit(
    kafka_bootstrap: str, topics: KafkaTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash behind the commit, nothing would read the rows again."""
    delivery = replace(delivery_to(kafka_destination(), 3), skip_oversized=True)
    topics.create(topic_of(delivery))
    sink, pulse, again = kafka_sink(kafka_bootstrap), SteadyPulse(), SteadyPulse()
    rows, commit = SizedRows([1_000, 2_000_000, 1_000]), Transaction.commit

    def commit_and_die(transaction: Transaction) -> None:
        recorded = [row.row for row in pulse.skipped.named]
        commit(transaction)  # raises while the record lacks the row
        assert recorded == [1]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "commit", commit_and_die)
        with pytest.raises(KeyboardInterrupt):
            sink.deliver(delivery, rows, pulse)
    assert sink.deliver(replace(delivery, skipped=pulse.skipped), rows, again)
    assert again.checkpoints == []
    assert [row["row"] for row in read_committed(kafka_bootstrap, topic_of(delivery))].count(0) == 1
    topics.delete(topic_of(delivery))
