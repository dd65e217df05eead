"""The measured functions from Parquet to NATS; each runs in its own process."""

import asyncio
import ssl
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import nats
import pyarrow.parquet as pq
from nats.aio.client import Client
from nats.aio.msg import Msg

from bench import chunk
from bench.kafka_work import Watched
from bench.rows import rows_of
from bench.work import measured
from shared.destinations import destination
from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.labels import labels, row_id
from shared.destinations.nats.connection import Access
from shared.destinations.nats.sending import NatsLimits
from shared.destinations.nats.sink import NatsSink
from shared.steps.sending import ChunkDelivery

_BATCH_ROWS = 500
_LIMITS = NatsLimits(least=0.0)

Answer = TypeVar("Answer")


def delivery(rows: int, url: str, subject: str) -> ChunkDelivery:
    target = destination(type="nats", name="bus", uid="uid", servers=[url], subject=subject)
    return ChunkDelivery(chunk.ORGANIZATION, "job", "attempt", 0, rows, target, _BATCH_ROWS, 0)


def product(path: str, url: str) -> dict[str, float]:
    """Send with the product's sink, including the new connection for each chunk."""
    rows = pq.read_metadata(path).num_rows
    guard = Guard(system_resolve, system_connect, insecure=True)
    access = Access(guard=guard, tls=ssl.create_default_context(), insecure=True, secrets=lambda *_: b"")
    sink = NatsSink(access=access, monotonic=time.monotonic, limits=_LIMITS)

    def send(subject: str) -> dict[str, float]:
        with measured(rows) as found, Path(path).open("rb") as file:
            assert sink.deliver(delivery(rows, url, subject), rows_of(file, path), Watched())
        return found

    return _with_stream(url, rows, send)


def bare(path: str, url: str) -> dict[str, float]:
    """Send prepared lines, headers and reply subjects with the client's ``publish``, as many in parallel."""
    rows = pq.read_metadata(path).num_rows

    def send(subject: str) -> dict[str, float]:
        one, inbox = delivery(rows, url, subject), f"_INBOX.{uuid.uuid4().hex}"
        with Path(path).open("rb") as file:
            lines = [line for batch in rows_of(file, path).batches(_BATCH_ROWS) for line in batch.lines()]
        messages = [
            (line, f"{inbox}.{row}", {"Nats-Msg-Id": row_id(one, row), **labels(one, row)})
            for row, line in enumerate(lines)
        ]
        with measured(rows) as found:
            asyncio.run(_publish(url, subject, inbox, messages))
        return found

    return _with_stream(url, rows, send)


async def _publish(
    url: str, subject: str, inbox: str, messages: list[tuple[bytes, str, dict[str, str]]]
) -> None:
    client = await nats.connect(url, no_echo=True)
    answered, heard = 0, asyncio.Event()

    async def count(_message: Msg) -> None:
        nonlocal answered
        answered += 1
        heard.set()

    await client.subscribe(f"{inbox}.*", cb=count, pending_msgs_limit=0)

    async def until(least: int) -> None:
        while answered < least:
            heard.clear()
            await heard.wait()

    for number, (line, reply, headers) in enumerate(messages):
        if number - answered >= _LIMITS.in_flight:
            await until(number - _LIMITS.in_flight + _BATCH_ROWS)
        await client.publish(subject, line, reply=reply, headers=headers)
    await until(len(messages))
    await client.close()


def _with_stream(url: str, rows: int, send: Callable[[str], dict[str, float]]) -> dict[str, float]:
    """Run ``send`` with a new stream's subject; the stream must have every row afterwards."""
    name = f"bench-{uuid.uuid4().hex[:8]}"

    def ask(question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        async def asked() -> Answer:
            client = await nats.connect(url)
            try:
                return await question(client)
            finally:
                await client.close()

        return asyncio.run(asked())

    ask(lambda client: client.jetstream().add_stream(name=name, subjects=[f"{name}.>"]))
    found = send(f"{name}.rows")
    state = ask(lambda client: client.jetstream().stream_info(name)).state
    assert state.messages == rows, f"{state.messages} of {rows} rows are in the stream"
    ask(lambda client: client.jetstream().delete_stream(name))
    return found
