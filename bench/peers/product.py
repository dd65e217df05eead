"""The product's sink, exactly once; like a function's instance it stays for the next chunk."""

import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench import kafka_work
from bench.rows import rows_of
from shared.destinations.kafka.sink import KafkaSink


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    rows = pq.read_metadata(path).num_rows
    one = kafka_work.delivery(rows, topic.removeprefix(kafka_work.topic("")))
    sink = _sink(settings["bootstrap.servers"])
    with Path(path).open("rb") as file:
        assert sink.deliver(one, rows_of(file, path), kafka_work.Watched())


@functools.cache
def _sink(bootstrap: str) -> KafkaSink:
    client = {"bootstrap.servers": bootstrap, "log_level": 0}
    return KafkaSink(client, monotonic=time.monotonic, limits=kafka_work.LIMITS)
