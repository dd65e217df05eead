"""Sinks and topics of a test's broker with default settings."""

import time
from collections.abc import Mapping
from typing import Any

from shared.destinations.kafka.forms import Form, as_json
from shared.destinations.kafka.settings import KafkaLimits
from shared.destinations.kafka.sink import KafkaSink
from shared.destinations.kafka.topics import KafkaTopics


def kafka_sink(
    bootstrap: str,
    limits: KafkaLimits | None = None,
    properties: Mapping[str, Any] | None = None,
    form: Form = as_json,
) -> KafkaSink:
    # Stopped brokers and fenced producers are the subject: librdkafka's log would only repeat it.
    client = {"bootstrap.servers": bootstrap, "log_level": 0, **(properties or {})}
    return KafkaSink(client, monotonic=time.monotonic, limits=limits or KafkaLimits(least=0.0), form=form)


def kafka_topics(bootstrap: str) -> KafkaTopics:
    return KafkaTopics(
        {"bootstrap.servers": bootstrap, "log_level": 0},
        partitions=3,
        replication=-1,
        config={},
        timeout=60.0,
        monotonic=time.monotonic,
    )
