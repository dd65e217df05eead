"""The measured functions from Parquet to Pub/Sub; each runs in its own process."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as pq
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from bench import chunk
from bench.kafka_work import Watched
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.labels import labels
from shared.destinations.pubsub.sink import MOST_MESSAGES, PubSubSink
from shared.destinations.requests import RequestLimits
from shared.steps.sending import ChunkDelivery

_LIMITS = RequestLimits(least=0.0)


def delivery(rows: int, topic: str) -> ChunkDelivery:
    target = destination(type="pubsub", name="rows", uid="uid", topic=topic)
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, target, MOST_MESSAGES, 0)


def product(path: str, host: str, topic: str) -> dict[str, float]:
    """Send with the product's sink."""
    rows = pq.read_metadata(path).num_rows
    sink = PubSubSink(
        client=_client(host),
        own_topics=(),
        monotonic=time.monotonic,
        sleep=time.sleep,
        random=random.random,
        limits=_LIMITS,
    )
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(delivery(rows, topic), rows_of(file, path), Watched())
    return found


def bare(path: str, host: str, topic: str) -> dict[str, float]:
    """Send prepared requests with the same client, as many in parallel."""
    rows, client = pq.read_metadata(path).num_rows, _client(host)
    one = delivery(rows, topic)
    request_of: Any = PublishRequest.pb()
    message_of: Any = PubsubMessage.pb()
    requests: list[PublishRequest] = []
    with Path(path).open("rb") as file:
        for batch in rows_of(file, path).batches(MOST_MESSAGES):
            messages = [
                message_of(data=line, attributes=labels(one, row))
                for row, line in enumerate(batch.lines(), batch.first_row)
            ]
            requests.append(PublishRequest.wrap(request_of(topic=topic, messages=messages)))

    def publish(request: PublishRequest) -> None:
        client.publish(request=request, retry=None, timeout=60)

    with measured(rows) as found, ThreadPoolExecutor(_LIMITS.in_flight) as pool:
        for _ in pool.map(publish, requests):
            pass
    return found


def _client(host: str) -> PublisherClient:
    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))
