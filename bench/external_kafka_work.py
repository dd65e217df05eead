"""The measured functions from Parquet to an external Kafka; each runs in its own process."""

import json
import ssl
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from confluent_kafka import Producer

from bench import chunk
from bench.kafka_work import LIMITS, Watched
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.external_kafka.clusters import Clusters
from shared.destinations.external_kafka.properties import MOST_BYTES, Connections
from shared.destinations.external_kafka.sink import ExternalKafkaSink
from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.kafka.settings import TUNING, producing
from shared.destinations.webhook.connections import Connections as HttpConnections
from shared.steps.sending import ChunkDelivery

_SECONDS = 60.0


def product(path: str, target: Mapping[str, str], login: Mapping[str, str]) -> dict[str, float]:
    """Send with the product's sink, exactly once; the cluster is known, as for all later chunks."""
    rows = pq.read_metadata(path).num_rows
    one, clusters = _delivery(rows, target), _clusters(login)
    sink = ExternalKafkaSink(clusters, least=0.0)
    clusters.of(one).require(one, target["topic"], Watched())
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(one, rows_of(file, path), Watched())
    return found


def bare(path: str, target: Mapping[str, str], login: Mapping[str, str]) -> dict[str, float]:
    """Send prepared keys and lines with the same client, also in a transaction."""
    rows, topic = pq.read_metadata(path).num_rows, target["topic"]
    client = dict(_clusters(login).of(_delivery(rows, target)).properties)
    properties = {**producing(client), "transactional.id": f"beam.{uuid.uuid4()}"}
    with Path(path).open("rb") as file:
        batches = [(batch.lines(), batch.keys() or ()) for batch in rows_of(file, path).batches(1_024)]
    with measured(rows) as found:
        producer = Producer({**properties, "delivery.report.only.error": True})
        # Like the product: a client that knows its brokers does not wait for a transaction's coordinator.
        for _ in range(2):
            producer.list_topics(topic, timeout=_SECONDS)
        producer.init_transactions(_SECONDS)
        producer.begin_transaction()
        for lines, keys in batches:
            for line, key in zip(lines, keys, strict=True):
                _produce(producer, topic, line, key)
            producer.poll(0)
        producer.commit_transaction(_SECONDS)
    return found


def _produce(producer: Any, topic: str, line: bytes, key: bytes | None) -> None:
    while True:
        try:
            producer.produce(topic, line, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def _delivery(rows: int, target: Mapping[str, str]) -> ChunkDelivery:
    named = destination(
        type="external_kafka", name="theirs", uid="uid", sasl_mechanism="SCRAM-SHA-512", **target
    )
    return ChunkDelivery(chunk.ORGANIZATION, str(uuid.uuid4()), "attempt", 0, rows, named, 500, 0)


def _clusters(login: Mapping[str, str]) -> Clusters:
    guard = Guard(system_resolve, system_connect, insecure=True)
    secrets = json.dumps(dict(login)).encode()
    return Clusters(
        Connections(guard, lambda *_: secrets, most_bytes=TUNING[MOST_BYTES]),
        guard,
        HttpConnections(guard, user_agent="backfills/1", tls=ssl.create_default_context()),
        monotonic=time.monotonic,
        limits=LIMITS,
    )
