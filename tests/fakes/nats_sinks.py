"""A NATS sink on a real server, a stream of its own, and what arrives there."""

import asyncio
import json
import ssl
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import StreamConfig

from infra.local.ports import accepts, free_ports
from shared.destinations import destination
from shared.destinations.guard import Guard, Resolve, system_connect, system_resolve
from shared.destinations.nats.connection import Access
from shared.destinations.nats.sending import NatsLimits
from shared.destinations.nats.sink import NatsSink
from shared.steps.sending import ChunkDelivery
from tests.fakes.sending import delivery_to
from tests.fakes.servers import server
from tests.fakes.trust import usual_tls

Answer = TypeVar("Answer")

LIMITS = NatsLimits(least=0.0, reserve=5.0)
_SECONDS = 60.0


@contextmanager
def nats_server(folder: Path, config: str = "", *, jetstream: bool = True) -> Iterator[str]:
    """The address of a server; ``config``: further lines of its configuration."""
    (port,) = free_ports(1)
    file = folder / f"nats-{port}.conf"
    streams = f'jetstream {{ store_dir: "{folder}" }}' if jetstream else ""
    file.write_text(f"host: 127.0.0.1\nport: {port}\n{streams}\n{config}\n")
    command = [str(Path(sys.executable).with_name("nats-server")), "-c", str(file)]
    with server("the NATS server", command, lambda: accepts(port)):
        yield f"127.0.0.1:{port}"


def nats_sink(
    secrets: Callable[[str, str], bytes] = lambda _organization, _name: b"",
    limits: NatsLimits = LIMITS,
    *,
    tls: ssl.SSLContext | None = None,
    insecure: bool = True,
    resolve: Resolve = system_resolve,
) -> NatsSink:
    return NatsSink(
        access=Access(
            guard=Guard(resolve, system_connect, insecure=insecure),
            tls=tls or usual_tls(),
            insecure=insecure,
            secrets=secrets,
        ),
        monotonic=time.monotonic,
        limits=limits,
    )


@dataclass
class Subject:
    """A subject with a stream; ``login``: what a client of the test's own connects with."""

    server: str
    login: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"rows-{uuid.uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        config = StreamConfig(name=self.name, subjects=[f"{self.name}.>"], **self.stream)
        self.ask(lambda client: client.jetstream().add_stream(config))

    def ask(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        async def asked() -> Answer:
            client = await nats.connect(f"nats://{self.server}", **self.login)
            try:
                return await question(client)
            finally:
                await client.close()

        return asyncio.run(asked())

    def delivery(self, rows: int, **options: Any) -> ChunkDelivery:
        given = {"servers": [f"nats://{self.server}"], "subject": f"{self.name}.rows"} | options
        return delivery_to(destination(type="nats", name="bus", uid="bus-uid", **given), rows)

    def received(self) -> list[Msg]:
        """All messages of the stream, in its order."""

        async def all_of(client: Client) -> list[Msg]:
            stream = client.jetstream()
            count = (await stream.stream_info(self.name)).state.messages
            subscription = await stream.subscribe(f"{self.name}.>", ordered_consumer=True)
            return [await subscription.next_msg(_SECONDS) for _ in range(count)]

        return self.ask(all_of)

    def rows(self) -> list[int]:
        return [json.loads(message.data)["row"] for message in self.received()]
