"""What is measured of the way from Parquet to SNS; each function runs in a process of its own.

Beside it, a bare loop of the client over entries that are there, in as many threads.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bench import chunk
from bench.kafka_work import Watched
from bench.work import measured
from shared.destinations import destination
from shared.destinations.sns.access import Accesses
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.entries import requests
from shared.destinations.sns.identity import Keys
from shared.destinations.sns.sink import SnsLimits, SnsSink
from shared.encoding import ParquetRows
from shared.steps.sending import ChunkDelivery

BATCH_ROWS = 100
ROWS = 20_000  # fewer than of other parts: a request of the client takes a millisecond or two
_ARN = "arn:aws:sns:us-east-1:123456789012:rows"
_LIMITS = SnsLimits(least=0.0)
_SECRET = b'{"access_key_id": "AKIABENCH", "secret_access_key": "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"}'


def delivery(path: str, url: str) -> ChunkDelivery:
    rows = pq.read_metadata(path).num_rows
    topic = destination(
        type="sns", name="topic", uid="uid", topic_arn=_ARN, credentials="KEYS", endpoint_url=url
    )
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, topic, BATCH_ROWS, 0)


def product(path: str, url: str) -> dict[str, float]:
    """The product's sink, its client's making included."""
    sink = SnsSink(
        accesses=Accesses(
            Clients(connections=_LIMITS.in_flight, seconds=_LIMITS.request),
            secrets=lambda _organization, _name: _SECRET,
            identity_token=str,
            own_role="",
            now=lambda: datetime.now(UTC),
            insecure=True,
        ),
        monotonic=time.monotonic,
        sleep=time.sleep,
        random=random.random,
        limits=_LIMITS,
    )
    one = delivery(path, url)
    with measured(one.rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(one, _rows(file, path), Watched())
    return found


def publish_only(path: str, url: str) -> dict[str, float]:
    """The same client over entries that are there, as many requests at once."""
    one = delivery(path, url)
    prepared: list[Any] = []
    with Path(path).open("rb") as file:
        for batch in _rows(file, path).batches(BATCH_ROWS):
            prepared += requests(one, batch, fifo=False, leave_out=lambda _row, _key, _size: None)
    keys = Keys(access_key_id="AKIABENCH", secret_access_key="a secret")  # noqa: S106 - of nobody
    client = Clients(connections=_LIMITS.in_flight, seconds=_LIMITS.request).sns("us-east-1", url, keys)

    def publish(entries: Any) -> None:
        answer = client.publish_batch(TopicArn=_ARN, PublishBatchRequestEntries=entries)
        assert len(answer["Successful"]) == len(entries)

    with measured(one.rows) as found, ThreadPoolExecutor(_LIMITS.in_flight) as pool:
        for _ in pool.map(publish, prepared):
            pass
    return found


def _rows(file: Any, path: str) -> ParquetRows:
    return ParquetRows(file, chunk.COLUMNS, chunk.KEY, path)
