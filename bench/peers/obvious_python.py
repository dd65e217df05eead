"""Obvious Python: the naive sender of ``kafka_vs_naive``, which here includes its connection."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import Producer

from bench.kafka_work import send_naively


def send(path: str, settings: Mapping[str, Any], topic: str) -> None:
    send_naively(Producer(dict(settings)), path, topic)
