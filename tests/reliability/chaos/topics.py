"""Reads many topics at once."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, not said so

from tests.reliability.places import Message

_SETTLE_LIMIT = 120.0


class Topics:
    """A consumer that sees only committed rows."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap})

    def there(self) -> Mapping[str, Any]:
        topics: Mapping[str, Any] = self._admin.list_topics(timeout=60).topics
        return topics

    def messages(self, names: Iterable[str]) -> dict[str, list[Message]]:
        """Return every topic's messages once no transaction is open on them."""
        found: dict[str, list[Message]] = {name: [] for name in names}
        there = self.there()
        partitions = [
            TopicPartition(name, partition, 0) for name in found for partition in there[name].partitions
        ]
        if not partitions:
            return found
        self._settle(partitions)
        properties = {
            "bootstrap.servers": self._bootstrap,
            "group.id": "checker",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
        ended: set[tuple[str, int]] = set()
        with closing(Consumer(properties)) as consumer:
            consumer.assign(partitions)
            while len(ended) < len(partitions):
                message: Any  # the client's own types allow None for a message without one
                for message in consumer.consume(5_000, timeout=1.0):
                    if message.error() is not None:
                        ended.add((message.topic(), message.partition()))
                    else:
                        headers = dict(message.headers() or ())
                        found[message.topic()].append(Message(json.loads(message.value()), headers))
        return found

    def _settle(self, partitions: Sequence[TopicPartition]) -> None:
        committed, written = IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED
        until = time.monotonic() + _SETTLE_LIMIT
        while self._ends(partitions, committed) != (ends := self._ends(partitions, written)):
            assert time.monotonic() < until, f"a transaction stayed open: {ends}"
            time.sleep(0.2)

    def _ends(self, partitions: Sequence[TopicPartition], level: IsolationLevel) -> list[int]:
        latest = {
            TopicPartition(each.topic, each.partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]  # so it ships
            for each in partitions
        }
        asked = self._admin.list_offsets(latest, isolation_level=level, request_timeout=60)
        return [future.result().offset for future in asked.values()]
