"""Kafka's client for peers that have none: confluent-kafka, with one transaction for a file."""

import functools
import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import Producer

_SECONDS = 60.0


def send_in_transaction(rows: Iterable[tuple[str, str]], settings: Mapping[str, Any], topic: str) -> None:
    """Send each row's key and text."""
    producer = _producer(json.dumps(settings))
    producer.begin_transaction()
    for key, text in rows:
        while True:
            try:
                producer.produce(topic, text, key)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    producer.commit_transaction(_SECONDS)


@functools.cache
def _producer(settings: str) -> Producer:
    producer = Producer({**json.loads(settings), "transactional.id": str(uuid.uuid4())})
    producer.init_transactions(_SECONDS)
    return producer
