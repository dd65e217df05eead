"""Quix Streams: its producer and its JSON serializer, a dictionary for each row."""

from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq
from quixstreams import Application

_ROWS = 1_024


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    told = dict(settings)
    application = Application(broker_address=told.pop("bootstrap.servers"), producer_extra_config=told)
    rows = application.topic(topic, value_serializer="json")
    with application.get_producer() as producer:
        for batch in pq.ParquetFile(path).iter_batches(_ROWS):
            for row in batch.to_pylist():
                named = {name.lower(): value for name, value in row.items()}
                message = rows.serialize(key=named["unique_id"], value=named)
                producer.produce(topic, message.value, message.key)
