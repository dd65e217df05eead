"""The measured functions from Parquet to SNS; each runs in its own process."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench import chunk
from bench.kafka_work import Watched
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.labels import labels
from shared.destinations.requests import RequestLimits, grouped
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.sink import MOST_BYTES, MOST_ENTRIES, SnsSink
from shared.steps.sending import ChunkDelivery

BATCH_ROWS = 500
_ARN = "arn:aws:sns:us-east-1:123456789012:rows"
_LIMITS = RequestLimits(least=0.0, in_flight=16)
_SECRET = b'{"access_key_id": "AKIABENCH", "secret_access_key": "of-nobody"}'


def delivery(rows: int, url: str) -> ChunkDelivery:
    target = destination(
        type="sns", name="topic", uid="uid", topic_arn=_ARN, credentials="KEYS", endpoint_url=url
    )
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, target, BATCH_ROWS, 0)


def product(path: str, url: str) -> dict[str, float]:
    """Send with the product's sink; its client already exists, as for all chunks except the first."""
    rows, clients = pq.read_metadata(path).num_rows, _clients()
    sink = SnsSink(
        clients=clients,
        monotonic=time.monotonic,
        sleep=time.sleep,
        random=random.random,
        limits=_LIMITS,
    )
    one = delivery(rows, url)
    clients.client(one)
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(one, rows_of(file, path), Watched())
    return found


def bare(path: str, url: str) -> dict[str, float]:
    """Send prepared entries with the same client, as many requests in parallel."""
    rows = pq.read_metadata(path).num_rows
    one = delivery(rows, url)
    client = _clients().client(one)
    with Path(path).open("rb") as file:
        lines = [line for batch in rows_of(file, path).batches(BATCH_ROWS) for line in batch.lines()]
    entries = ((_entry(one, row, line), len(line) + 100) for row, line in enumerate(lines))
    requests = [request.payload for request in grouped(entries, MOST_ENTRIES, MOST_BYTES)]

    def publish(payload: list[dict[str, Any]]) -> None:
        answer = client.publish_batch(TopicArn=_ARN, PublishBatchRequestEntries=payload)
        assert len(answer["Successful"]) == len(payload)

    with measured(rows) as found, ThreadPoolExecutor(_LIMITS.in_flight) as pool:
        for _ in pool.map(publish, requests):
            pass
    return found


def _entry(one: ChunkDelivery, row: int, line: bytes) -> dict[str, Any]:
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in labels(one, row).items()
    }
    return {"Id": str(row), "Message": line.decode(), "MessageAttributes": attributes}


def _clients() -> Clients:
    return Clients(
        lambda _organization, _name: _SECRET,
        str,
        own_role="",
        now=lambda: datetime.now(UTC),
        connections=_LIMITS.in_flight,
    )
