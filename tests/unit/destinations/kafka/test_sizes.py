"""The client library's own limit of a message: the sink counts as librdkafka does, to the byte."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.names import labels_of
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from shared.destinations.kafka.sizes import size_in_client
from shared.domain.oversized import RowTooLarge
from tests.fakes.sending import SteadyPulse, delivery_to, kafka_destination
from tests.fakes.sized import SizedBatch
from tests.fakes.webhook_sinks import FakeTime

LIMIT = 20_000
SIZES = range(LIMIT - 200, LIMIT + 10)
KEYS = [None, b"", b"key", b"k" * 100]


@pytest.fixture
def producer() -> Iterator[Producer]:
    """A producer without a broker, which checks a message's size before it queues it."""
    made = Producer({"bootstrap.servers": "127.0.0.1:1", "message.max.bytes": LIMIT, "log_level": 0})
    yield made
    made.purge()
    made.flush(5.0)


def sending(producer: Producer, *, labelled: bool, skip: bool) -> Sending:
    return Sending(
        producer,
        replace(delivery_to(kafka_destination(), len(SIZES)), skip_oversized=skip),
        "topic",
        SteadyPulse(),
        room=Room(1_000_000, 500_000),
        most=LIMIT,
        refusals=Refusals(),
        reserve=0.0,
        flow=Flow(FakeTime().monotonic),
        labelled=labelled,
    )


def takes(producer: Producer, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]) -> bool:
    try:
        producer.produce("topic", value, key, headers=[*headers])
    except KafkaException as error:
        if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
            raise
        return False
    return True


@pytest.mark.parametrize("key", KEYS, ids=["none", "empty", "short", "long"])
@pytest.mark.parametrize("name", ["", "n", "é" * 40], ids=["no header", "short header", "long header"])
def test_the_sizes_are_librdkafkas_at_every_byte(producer: Producer, key: bytes | None, name: str) -> None:
    headers = [(name, b"v" * length) for length in (0, 1, 63, 64)] if name else []
    taken = [takes(producer, b"x" * size, key, headers) for size in range(LIMIT - 700, LIMIT + 1)]
    assert taken == [
        size_in_client(b"x" * size, key, headers) <= LIMIT for size in range(LIMIT - 700, LIMIT + 1)
    ]
    assert {True, False} == set(taken)


@pytest.mark.parametrize("labelled", [False, True], ids=["exactly_once", "at_least_once"])
def test_every_row_around_the_limit_is_sent_or_named(producer: Producer, *, labelled: bool) -> None:
    sent = sending(producer, labelled=labelled, skip=True)
    sent.send(SizedBatch(0, [b"x" * size for size in SIZES]))
    named = {row.row: row for row in sent.skipped.named}
    assert len(producer) == len(SIZES) - len(named)
    assert sorted(named) == list(range(min(named), len(SIZES)))
    assert min(row.size for row in named.values()) == LIMIT + 1
    assert {row.limit for row in named.values()} == {LIMIT}


@pytest.mark.parametrize("labelled", [False, True], ids=["exactly_once", "at_least_once"])
def test_a_row_one_byte_above_the_limit_is_named_with_the_clients_setting(
    producer: Producer, *, labelled: bool
) -> None:
    sent = sending(producer, labelled=labelled, skip=False)
    headers = labels_of(delivery_to(kafka_destination(), 1), [0])[0] if labelled else ()
    fitting = b"x" * (LIMIT - size_in_client(b"", b"key-0", headers))
    sent.send(SizedBatch(0, [fitting]))
    with pytest.raises(
        RowTooLarge, match=r"20,001 bytes.*message\.max\.bytes\) takes: 20,000 bytes.*KAFKA_CLIENT"
    ):
        sent.send(SizedBatch(0, [fitting + b"x"]))
