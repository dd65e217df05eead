"""Reads a topic like its consumer: only committed transactions, to the current end."""

import json
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

TIMEOUT = 60.0


def read_committed(bootstrap: str, topic: str, *, settled: bool = True) -> list[dict[str, Any]]:
    """Return all rows of the topic, each with its ``key``, ``partition`` and ``headers``.

    Waits until no transaction is open, because a broker answers a commit before all partitions know it.
    ``settled`` False reads what a consumer sees while a transaction is open.
    """
    consumer = _consumer(bootstrap, "read_committed")
    try:
        partitions = _partitions(consumer, topic)
        if settled:
            _wait_until_settled(bootstrap, partitions)
        consumer.assign(partitions)
        return _read_to_the_ends(consumer, len(partitions))
    finally:
        consumer.close()


def written(bootstrap: str, topic: str) -> int:
    """Return the number of the topic's messages. A transaction's end is one in each of its partitions."""
    consumer = _consumer(bootstrap, "read_uncommitted")
    try:
        partitions = _partitions(consumer, topic)
        return sum(consumer.get_watermark_offsets(one, timeout=TIMEOUT)[1] for one in partitions)
    finally:
        consumer.close()


def _consumer(bootstrap: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )


def _partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    known = consumer.list_topics(topic, timeout=TIMEOUT).topics[topic].partitions
    return [TopicPartition(topic, partition, 0) for partition in known]


def _wait_until_settled(bootstrap: str, partitions: list[TopicPartition]) -> None:
    """Wait until the last stable offsets, the end of committed data, equal the high watermarks."""
    until = time.monotonic() + TIMEOUT
    stable, all_written = (_consumer(bootstrap, level) for level in ("read_committed", "read_uncommitted"))
    try:
        while (ends := _ends(stable, partitions)) is None or ends != _ends(all_written, partitions):
            assert time.monotonic() < until, "a transaction stayed open"
    finally:
        stable.close()
        all_written.close()


def _ends(consumer: Consumer, partitions: list[TopicPartition]) -> list[int] | None:
    """Return None while a partition of a new topic has no leader yet."""
    try:
        return [consumer.get_watermark_offsets(partition, timeout=TIMEOUT)[1] for partition in partitions]
    except KafkaException as error:
        if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
            raise
        return None


def _read_to_the_ends(consumer: Consumer, partitions: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    ended: set[int | None] = set()
    while len(ended) < partitions:
        message = consumer.poll(TIMEOUT)
        assert message is not None, "the topic could not be read in time"
        if message.error() is not None:
            ended.add(message.partition())
            continue
        key = message.key()
        row = json.loads(message.value() or b"")
        place = {"key": None if key is None else bytes(key).decode(), "partition": message.partition()}
        rows.append({**row, **place, "headers": dict(message.headers() or [])})
    return rows
