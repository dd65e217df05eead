"""Quix Streams: its JSON serializer, a dictionary for each row, and its producer, in a transaction."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq
from quixstreams import Application
from quixstreams.kafka import Producer

_ROWS = 1_024
_SECONDS = 60.0


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    application, producer = _connected(json.dumps(settings))
    rows = application.topic(topic, value_serializer="json")
    producer.begin_transaction()
    for batch in pq.ParquetFile(path).iter_batches(_ROWS):
        for row in batch.to_pylist():
            named = {name.lower(): value for name, value in row.items()}
            message = rows.serialize(key=named["unique_id"], value=named)
            producer.produce(topic, message.value, message.key)
    producer.commit_transaction(_SECONDS)


@functools.cache
def _connected(settings: str) -> tuple[Application, Producer]:
    told = json.loads(settings)
    application = Application(broker_address=told.pop("bootstrap.servers"), producer_extra_config=told)
    return application, application.get_producer(transactional=True)
