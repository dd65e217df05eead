"""The measured functions from Parquet to a webhook; each runs in its own process."""

import random
import ssl
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import urllib3

from bench import chunk
from bench.kafka_work import Watched
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.request import headers_of
from shared.destinations.webhook.sink import WebhookLimits, WebhookSink
from shared.steps.sending import ChunkDelivery

BATCH_ROWS = 500
_SECRET = b"a secret as long as those that people choose"


def delivery(rows: int, url: str) -> ChunkDelivery:
    hook = destination(type="webhook", name="hook", uid="uid", url=url, hash_key="HOOK_KEY")
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, hook, BATCH_ROWS, 0)


def product(path: str, url: str, *, in_python: bool = False) -> dict[str, float]:
    """Send with the product's sink, including signatures."""
    rows = pq.read_metadata(path).num_rows
    sink = WebhookSink(
        connections=Connections(
            Guard(system_resolve, system_connect, insecure=True),
            user_agent="bench",
            tls=ssl.create_default_context(),
        ),
        secrets=lambda _organization, _name: _SECRET,
        now=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        sleep=time.sleep,
        nonce=lambda: str(uuid.uuid4()),
        random=random.random,
        limits=WebhookLimits(least=0.0),
    )
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(delivery(rows, url), rows_of(file, path, in_python=in_python), Watched())
    return found


def encode_only(path: str) -> dict[str, float]:
    """Encode only the bodies."""
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found, Path(path).open("rb") as file:
        for batch in rows_of(file, path).batches(BATCH_ROWS):
            assert batch.json_array()
    return found


def sign_only(path: str) -> dict[str, float]:
    """Build only the headers, for prepared bodies."""
    rows = pq.read_metadata(path).num_rows
    bodies, name = _bodies(path), "_".join((str(uuid.uuid4()), str(uuid.uuid4()), "0", str(uuid.uuid4())))
    with measured(rows) as found:
        for number, body in enumerate(bodies):
            assert headers_of(
                body,
                identifier=f"{name}_{number}",
                timestamp=int(time.time()),
                nonce=str(uuid.uuid4()),
                secret=_SECRET,
            )
    return found


def post_only(path: str, url: str) -> dict[str, float]:
    """Post prepared bodies in a bare loop of the HTTP client, on one keep-alive connection."""
    rows, bodies = pq.read_metadata(path).num_rows, _bodies(path)
    pool = urllib3.PoolManager(retries=False)
    headers = {"Content-Type": "application/json"}
    with measured(rows) as found:
        for body in bodies:
            answer = pool.request("POST", url, body=body, headers=headers)
            assert answer.status == 200
    return found


def _bodies(path: str) -> list[bytes]:
    with Path(path).open("rb") as file:
        return [batch.json_array() for batch in rows_of(file, path).batches(BATCH_ROWS)]
