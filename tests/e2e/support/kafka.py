"""Reads topics like a read_committed consumer."""

import time
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

_SECONDS = 60.0


def topics(bootstrap: str) -> set[str]:
    """Return the names of all the broker's topics."""
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=_SECONDS).topics)


def create_topic(bootstrap: str, topic: str, **config: str) -> None:
    """Create a topic like its owner, before the service does; underscores in settings stand for dots."""
    settings = {name.replace("_", "."): value for name, value in config.items()}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1, config=settings)])[topic].result(_SECONDS)


def committed(bootstrap: str, topic: str) -> list[tuple[bytes | None, bytes]]:
    """Return every message's key and value, in each partition's order."""
    return [(message.key(), message.value()) for message in messages(bootstrap, topic)]


def messages(bootstrap: str, topic: str) -> list[Any]:
    """Return every committed message, in each partition's order, as the consumer's objects.

    Waits for open transactions first, because a broker answers a commit before all partitions know it.
    """
    with closing(_consumer(bootstrap, "read_committed")) as consumer:
        partitions = [
            TopicPartition(topic, partition, 0)
            for partition in consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions
        ]
        _wait_until_settled(bootstrap, partitions)
        consumer.assign(partitions)
        found: list[Any] = []
        ended: set[int | None] = set()
        while len(ended) < len(partitions):
            batch = consumer.consume(10_000, timeout=1.0)
            ended |= {message.partition() for message in batch if message.error() is not None}
            found += [message for message in batch if message.error() is None]
        return found


def _consumer(bootstrap: str, isolation: str) -> Any:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "end-to-end",
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )


def _wait_until_settled(bootstrap: str, partitions: list[TopicPartition]) -> None:
    """Wait until the committed data ends where the written data ends."""
    deadline = time.monotonic() + _SECONDS
    with (
        closing(_consumer(bootstrap, "read_committed")) as stable,
        closing(_consumer(bootstrap, "read_uncommitted")) as written,
    ):
        while _ends(stable, partitions) != _ends(written, partitions):
            assert time.monotonic() < deadline, "a transaction stayed open"


def _ends(consumer: Any, partitions: list[TopicPartition]) -> list[int]:
    return [consumer.get_watermark_offsets(partition, timeout=_SECONDS)[1] for partition in partitions]
