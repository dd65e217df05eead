"""The measured functions from Parquet to Kafka; each runs in its own process."""

import json
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from confluent_kafka import Producer

from bench import chunk
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.names import topic_name
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from shared.destinations.kafka.settings import CORRECTNESS, TUNING, KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.sending import ChunkDelivery

LIMITS = KafkaLimits(least=0.0)
DEFAULT_LIMIT = 1_048_588  # the default max.message.bytes of a topic
_SETTLING = 1.0  # seconds; as in ceiling.c, for the same reason


def topic(name: str) -> str:
    return topic_name(chunk.ORGANIZATION, name)


_NAME = "transfers"
TOPIC = topic(_NAME)


def client_settings(bootstrap: str) -> dict[str, Any]:
    """Return the settings of librdkafka that the product uses for an idempotent producer."""
    return {**TUNING, "bootstrap.servers": bootstrap, **CORRECTNESS}


def settings(bootstrap: str) -> dict[str, Any]:
    """Return the same for the Python client, which calls back only for errors."""
    return {**client_settings(bootstrap), "delivery.report.only.error": True}


def connected(properties: dict[str, Any]) -> Producer:
    """Return a producer that knows the topic and has its id, without which an idempotent producer sends
    nothing.
    """
    producer = Producer(properties)
    producer.list_topics(TOPIC, timeout=10)
    time.sleep(_SETTLING)
    return producer


class Watched:
    """A Pulse of a running job."""

    def check(self) -> None:
        """Never stop the delivery."""

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        """Unused: only webhooks have checkpoints."""

    def seconds_left(self) -> float:
        return 480.0


def delivery(rows: int, name: str) -> ChunkDelivery:
    topic = destination(type="kafka", name=name, uid="uid")
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, topic, 500, 0)


def product(path: str, bootstrap: str, *, in_python: bool = False, ahead: bool = False) -> dict[str, float]:
    """Run the product's hot path: its reader, its encoder, its sending, without a transaction."""
    refused = Refusals()
    producer = connected({**settings(bootstrap), "on_delivery": refused})
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found:
        _send(producer, rows, path, _NAME, refused, in_python=in_python, ahead=ahead)
    refused.check()
    return found


def idempotent(path: str, bootstrap: str, name: str) -> dict[str, float]:
    """Do the same including a new producer, as ``exactly_once`` creates one for each chunk."""
    refused = Refusals()
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found:
        _send(Producer({**settings(bootstrap), "on_delivery": refused}), rows, path, name, refused)
    refused.check()
    return found


def _send(producer: Producer, rows: int, path: str, name: str, refused: Refusals, **encoder: bool) -> None:
    sending = Sending(
        producer,
        delivery(rows, name),
        topic(name),
        Watched(),
        room=Room(DEFAULT_LIMIT, TUNING["batch.size"]),
        most=TUNING["message.max.bytes"],
        refusals=refused,
        reserve=0.0,
        flow=Flow(time.monotonic),
    )
    with Path(path).open("rb") as file:
        for batch in rows_of(file, path, **encoder).batches(LIMITS.batch_rows):
            sending.send(batch)
        sending.finish()


def exactly_once(path: str, bootstrap: str, name: str) -> dict[str, float]:
    """Run the product's sink: the same in a transaction with its marker, from opening to commit."""
    rows = pq.read_metadata(path).num_rows
    client = {"bootstrap.servers": bootstrap, "log_level": 0}
    sink = KafkaSink(client, monotonic=time.monotonic, limits=LIMITS)
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(delivery(rows, name), rows_of(file, path), Watched())
    return found


def small_chunks(path: str, bootstrap: str, name: str, mode: str, count: int) -> dict[str, float]:
    """Deliver small chunks in sequence with the product's sink, without counting the first."""
    rows = pq.read_metadata(path).num_rows
    client = {"bootstrap.servers": bootstrap, "log_level": 0}
    sink = KafkaSink(client, monotonic=time.monotonic, limits=LIMITS)
    kafka = destination(type="kafka", name=name, uid="uid", delivery=mode)

    def deliver(number: int) -> None:
        one = ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", number, rows, kafka, 500, 0)
        with Path(path).open("rb") as file:
            assert sink.deliver(one, rows_of(file, path), Watched())

    deliver(0)
    with measured(rows * count) as found:
        for number in range(1, count + 1):
            deliver(number)
    return found


def naive(path: str, bootstrap: str) -> dict[str, float]:
    """Run the naive sender: a dictionary per row, the standard library's JSON, a callback per message."""
    producer = connected(client_settings(bootstrap))
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found:
        arrived = send_naively(producer, path, TOPIC)
    assert arrived == rows
    return found


def send_naively(producer: Producer, path: str, to: str) -> int:
    """Return how many rows the broker acknowledged."""
    arrived = 0

    def on_delivery(error: object, _message: object) -> None:
        nonlocal arrived
        if error is not None:
            raise RuntimeError(error)
        arrived += 1

    for batch in pq.ParquetFile(path).iter_batches(LIMITS.batch_rows):
        for row in batch.to_pylist():
            named = {name.lower(): value for name, value in row.items()}
            line = json.dumps(named, default=_date)
            while True:
                try:
                    producer.produce(to, line, named[chunk.KEY], on_delivery=on_delivery)
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
            producer.poll(0)
    producer.flush()
    return arrived


def _date(value: datetime | date) -> str:
    return value.isoformat()


def encode_only(path: str, *, in_python: bool = False) -> dict[str, float]:
    """Run only the product's reader and encoder, up to a row's key and text."""
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found, Path(path).open("rb") as file:
        for batch in rows_of(file, path, in_python=in_python).batches(LIMITS.batch_rows):
            assert len(batch.lines()) == len(batch.keys() or ())
    return found
