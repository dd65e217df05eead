"""The cost of exactly once on Apache Kafka: a transaction and its marker for the whole chunk."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import brokers, chunk, kafka_work, oracle, process
from bench.figures import Figure, figure, ratio
from bench.mock_broker import messages_in
from shared.destinations.kafka.topics import KafkaTopics
from shared.domain.destination import AT_LEAST_ONCE

if TYPE_CHECKING:
    from bench.rounds import Measured

KEYS = ("kafka_exactly_once_vs_idempotent", "small_chunk_at_least_once_vs_exactly_once")

_PARTITIONS = 6
_SECONDS = 15.0
_WORKS = (kafka_work.exactly_once, kafka_work.idempotent)
_SMALL_ROWS, _SMALL_CHUNKS = 2_000, 20
_EXACTLY_ONCE = "exactly_once"
_MODES = (_EXACTLY_ONCE, AT_LEAST_ONCE)


def run(rounds: int) -> dict[str, Figure]:
    path = chunk.staged()
    small_path = str(chunk.staged(_SMALL_ROWS))
    found: dict[str, list[Measured]] = {work.__name__: [] for work in _WORKS}
    small: dict[str, list[Measured]] = {mode: [] for mode in _MODES}
    for turn in range(rounds):
        with brokers.stack("kafka") as stack:
            bootstrap = stack.endpoints["kafka_bootstrap"]
            # A new broker first compiles its own code, and creates its transaction topics at the first
            # transaction. That cost belongs to no chunk.
            _send(kafka_work.exactly_once, path, bootstrap, "warm")
            for work in _WORKS[:: -1 if turn % 2 else 1]:
                found[work.__name__].append(_send(work, path, bootstrap, work.__name__))
            for mode in _MODES[:: -1 if turn % 2 else 1]:
                small[mode].append(_send_small(small_path, bootstrap, mode))
            if turn == 0:
                topic = kafka_work.topic("exactly_once")
                print(f"oracle: {oracle.compare(path, oracle.committed(bootstrap, topic))} rows equal")
    exactly_once, idempotent = (found[work.__name__] for work in _WORKS)
    return {
        "kafka_exactly_once_vs_idempotent": ratio(exactly_once, idempotent, "rows_per_s"),
        "small_chunk_at_least_once_vs_exactly_once": ratio(
            small[AT_LEAST_ONCE], small[_EXACTLY_ONCE], "rows_per_s"
        ),
        "apache_kafka_exactly_once_rows_per_s": figure(each["rows_per_s"] for each in exactly_once),
        "apache_kafka_idempotent_rows_per_s": figure(each["rows_per_s"] for each in idempotent),
    }


def _send(work: Any, path: Path, bootstrap: str, name: str) -> dict[str, Any]:
    create_topic(bootstrap, kafka_work.topic(name))
    measured = process.work(work, path=str(path), bootstrap=bootstrap, name=name)
    transaction = work is kafka_work.exactly_once
    require_rows(bootstrap, kafka_work.topic(name), measured["rows"], transaction=transaction)
    return measured


def _send_small(path: str, bootstrap: str, mode: str) -> dict[str, Any]:
    name = f"small-{mode}"
    create_topic(bootstrap, kafka_work.topic(name))
    return process.work(
        kafka_work.small_chunks, path=path, bootstrap=bootstrap, name=name, mode=mode, count=_SMALL_CHUNKS
    )


def require_rows(bootstrap: str, topic: str, rows: int, *, transaction: bool) -> None:
    """Raise BenchFailure unless a read_committed consumer finds this many rows at the broker.

    A transaction's end is a message in each partition, and the broker answers a commit before all have it.
    """
    wanted, until = rows + _PARTITIONS * transaction, time.monotonic() + _SECONDS
    while (found := messages_in(bootstrap, topic)) < wanted and time.monotonic() < until:
        time.sleep(0.05)
    if found != wanted:
        raise process.BenchFailure(f"{found} messages in {topic} where {wanted} were sent")


def create_topic(bootstrap: str, topic: str) -> None:
    """Create the topic as the service does."""
    client = {"bootstrap.servers": bootstrap, "log_level": 0}
    KafkaTopics(
        client, partitions=_PARTITIONS, replication=1, config={}, timeout=15.0, monotonic=time.monotonic
    ).create(topic)
