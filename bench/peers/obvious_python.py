"""Obvious Python: the naive sender of ``kafka_vs_naive``."""

import functools
import json
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Producer

from bench.kafka_work import send_naively


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    send_naively(_producer(json.dumps(settings)), path, topic)


@functools.cache
def _producer(settings: str) -> Producer:
    return Producer(json.loads(settings))
