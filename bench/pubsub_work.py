"""What is measured of the way from Parquet to Pub/Sub; each function runs in a process of its own."""

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as pq
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from bench import chunk
from bench.kafka_work import Watched
from bench.work import measured
from shared.destinations import destination
from shared.destinations.pubsub.requests import prepare
from shared.destinations.pubsub.sink import PubsubLimits, PubsubSink
from shared.encoding import ParquetRows
from shared.steps.sending import ChunkDelivery

BATCH_ROWS = 1_000


def delivery(rows: int, topic: str) -> ChunkDelivery:
    to = destination(type="pubsub", name="rows", uid="uid", topic=topic)
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, to, BATCH_ROWS, 0)


def product(path: str, host: str, topic: str) -> dict[str, float]:
    """The product's sink."""
    rows = pq.read_metadata(path).num_rows
    sink = PubsubSink(
        _client(host),
        own=lambda _: False,
        monotonic=time.monotonic,
        limits=PubsubLimits(least=0.0),
    )
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(delivery(rows, topic), _rows(file, path), Watched())
    return found


def bare(path: str, host: str, topic: str) -> dict[str, float]:
    """A bare loop of the client over requests that are there, as many under way as the product has."""
    rows, client = pq.read_metadata(path).num_rows, _client(host)
    one = delivery(rows, topic)
    with Path(path).open("rb") as file:
        batches = enumerate(_rows(file, path).batches(BATCH_ROWS))
        requests = [
            request
            for number, batch in batches
            for lane in prepare(one, number, batch).lanes
            for request in lane
        ]
    under_way: deque[Future[Any]] = deque()
    most = PubsubLimits(least=0.0).in_flight
    with measured(rows) as found, ThreadPoolExecutor(most) as pool:
        for request in requests:
            while len(under_way) >= most:
                under_way.popleft().result()
            under_way.append(pool.submit(client.publish, request=request, retry=None, timeout=60))
        while under_way:
            under_way.popleft().result()
    return found


def prepare_only(path: str) -> dict[str, float]:
    """The requests alone, the encoding of their rows included."""
    rows = pq.read_metadata(path).num_rows
    one = delivery(rows, "projects/some-project/topics/some-topic")
    with measured(rows) as found, Path(path).open("rb") as file:
        for number, batch in enumerate(_rows(file, path).batches(BATCH_ROWS)):
            assert prepare(one, number, batch).lanes
    return found


def _client(host: str) -> PublisherClient:
    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))


def _rows(file: Any, path: str) -> ParquetRows:
    return ParquetRows(file, chunk.COLUMNS, chunk.KEY, path)
