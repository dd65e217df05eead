"""Compare the received rows with the standard library's reading of the same file."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from confluent_kafka import Consumer, KafkaError, TopicPartition

from bench import chunk
from bench.process import BenchFailure

_SECONDS = 30.0


def compare(path: Path, arrived: Iterable[tuple[bytes | None, bytes]]) -> int:
    """Return the number of rows. Raises BenchFailure unless each row of the file arrived once, with key and
    values.
    """
    expected = _expected(path)
    count = 0
    for key, value in arrived:
        row = json.loads(value)
        named = row[chunk.KEY]
        if key is not None and key.decode() != named:
            raise BenchFailure(f"row {named} arrived under key {key!r}")
        if repr(expected.pop(named, None)) != repr(row):
            raise BenchFailure(f"row {named} arrived twice, or differs from the staged row")
        count += 1
    if expected:
        raise BenchFailure(f"{len(expected)} rows did not arrive")
    return count


def committed(bootstrap: str, topic: str) -> Iterable[tuple[bytes | None, bytes]]:
    """Return the key and value of each message that a read_committed consumer finds."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "oracle",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        partitions = consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        ended: set[int | None] = set()
        while len(ended) < len(partitions):
            messages = consumer.consume(1_000, _SECONDS)
            if not messages:
                raise BenchFailure(f"{topic} could not be read in time")
            for message in messages:
                error = message.error()
                if error is None:
                    yield message.key(), message.value() or b""
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the constant is public despite its name
                    ended.add(message.partition())
    finally:
        consumer.close()


def _expected(path: Path) -> dict[str, dict[str, Any]]:
    """Return each row as JSON carries it, by key; the file contains only texts, numbers, booleans and
    nulls.
    """
    rows: dict[str, dict[str, Any]] = {}
    for batch in pq.ParquetFile(path).iter_batches(8_192):
        for row in batch.to_pylist():
            named = json.loads(json.dumps({name.lower(): value for name, value in row.items()}))
            rows[named[chunk.KEY]] = named
    return rows
