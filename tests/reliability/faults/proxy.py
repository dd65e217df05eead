"""A TCP proxy that injects faults: it refuses, freezes, delays or cuts connections."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from infra.local.ports import LOOPBACK

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """``delay``: seconds before each piece is forwarded. ``cut_after``: bytes in both directions together,
    after which a connection is reset. ``frozen``: nothing is forwarded, nothing is closed. ``refusing``: new
    connections are refused, existing ones are reset.
    """

    delay: float = 0.0
    cut_after: int | None = None
    frozen: bool = False
    refusing: bool = False


HEALTHY = Fault()


class Proxy:
    """Listens on ``port`` and forwards everything to ``target``, another port of the loopback address."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self._fault = HEALTHY
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {port}", daemon=True)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._flowing = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._become(HEALTHY))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._become(Fault(refusing=True)))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def make(self, fault: Fault) -> None:
        """Apply the fault from now on, also to existing connections."""
        self._do(self._become(fault))

    def heal(self) -> None:
        self.make(HEALTHY)

    def _do(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(60)

    async def _become(self, fault: Fault) -> None:
        self._fault = fault
        if fault.frozen:
            self._flowing.clear()
        else:
            self._flowing.set()
        for connection in self._connections:
            connection.passed = 0
        if not fault.refusing:
            if self._server is None:
                self._server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
        elif self._server is not None:
            self._server.close()
            self._server = None
            tasks = [connection.task for connection in self._connections]
            for connection in list(self._connections):
                connection.reset()
            await asyncio.gather(*tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(task, [writer])
        self._connections.add(connection)
        try:
            with contextlib.suppress(OSError):
                await self._flowing.wait()
                upstream, to_upstream = await asyncio.open_connection(LOOPBACK, self._target)
                connection.writers.append(to_upstream)
                await asyncio.gather(
                    self._pump(connection, reader, to_upstream), self._pump(connection, upstream, writer)
                )
        finally:
            connection.reset()
            self._connections.discard(connection)

    async def _pump(
        self, connection: "_Connection", source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        while piece := await source.read(_PIECE):
            if self._fault.delay:
                await asyncio.sleep(self._fault.delay)
            await self._flowing.wait()
            limit = self._fault.cut_after
            if limit is not None and connection.passed + len(piece) > limit:
                sink.write(piece[: max(0, limit - connection.passed)])
                connection.reset()
                return
            connection.passed += len(piece)
            sink.write(piece)
            await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()


@dataclass(eq=False, slots=True)
class _Connection:
    """A client's connection and, once it is open, the one to the target; ``passed`` in bytes."""

    task: "asyncio.Task[None]"
    writers: list[asyncio.StreamWriter]
    passed: int = 0

    def reset(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
