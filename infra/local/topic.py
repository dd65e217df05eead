"""Reads a topic from its beginning, as a consumer that sees only committed rows."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, TopicPartition

_QUIET_SECONDS = 10.0
_LOOK_SECONDS = 0.5

Message = tuple[bytes | None, bytes]
"""A message's key and value."""


def to_the_end(bootstrap: str, topic: str) -> Iterator[Message]:
    """Yield the messages up to the topic's present end; TimeoutError if that can't be reached."""
    with closing(_consumer(bootstrap)) as consumer:
        partitions = _partitions(consumer, topic)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        open_partitions = set(partitions)
        while open_partitions:
            messages = consumer.consume(10_000, timeout=_QUIET_SECONDS)
            if not messages:
                raise TimeoutError(f"topic {topic} has an end that can't be reached")
            for message in messages:
                if message.error():
                    open_partitions.discard(message.partition())
                else:
                    yield message.key(), message.value() or b""


def endlessly(bootstrap: str, topic: str) -> Generator[Message]:
    """Yield the messages, and wait for further ones; also for the topic, if it does not exist yet.

    Raises KafkaException if the broker does not answer at the beginning.
    """
    with closing(_consumer(bootstrap)) as consumer:
        while not (partitions := _partitions(consumer, topic)):
            consumer.poll(_LOOK_SECONDS)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        while True:
            for message in consumer.consume(1_000, timeout=_LOOK_SECONDS):
                if not message.error():
                    yield message.key(), message.value() or b""


def _partitions(consumer: Any, topic: str) -> list[int]:
    """Return the topic's partitions; none if it does not exist."""
    return list(consumer.list_topics(topic, timeout=_QUIET_SECONDS).topics[topic].partitions)


def _consumer(bootstrap: str) -> Any:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "local-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
