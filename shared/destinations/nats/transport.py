"""How bytes go to a NATS server: under TLS, or not at all; and how that ends at once."""

import asyncio
import ssl
from typing import Any
from urllib.parse import ParseResult

import nats.errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport


class BareConnection(nats.errors.Error):
    """A server that would have the client go on without TLS."""

    def __str__(self) -> str:
        return "the server did not ask for TLS"


class AbortableTransport(TcpTransport):
    """The client's own closing writes what is pending and waits for the other side, which may never read."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self._aborted = False

    def __bool__(self) -> bool:
        # Else the client, before it connects, puts a transport of its own in its place.
        return True

    def abort(self) -> None:
        """Drop the connection, and what is not written yet."""
        self._aborted = True
        for writer in (self._io_writer, self._bare_io_writer):
            if writer is not None:
                writer.transport.abort()

    def write(self, payload: bytes) -> Any:
        if not self._aborted:
            super().write(payload)  # type: ignore[no-untyped-call]  # likewise

    def writelines(self, payload: list[bytes]) -> Any:
        if not self._aborted:
            super().writelines(payload)  # type: ignore[no-untyped-call]  # likewise

    async def drain(self) -> None:
        if not self._aborted:
            await super().drain()  # type: ignore[no-untyped-call]  # likewise

    async def wait_closed(self) -> None:
        # The loop's next turn closes the socket. A handshake that was interrupted never tells of its end.
        await asyncio.sleep(0)


class TlsTransport(AbortableTransport):
    """The client begins TLS only where the server's first line asks for it. That line comes in the clear, so
    anybody on the way could take the wish out: nothing is written before TLS. ``refused``: it was to be.
    """

    def __init__(self) -> None:
        super().__init__()
        self._secured = False
        self.refused = False

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        self._secured = True

    def write(self, payload: bytes) -> Any:
        self._require_tls()
        return super().write(payload)

    def writelines(self, payload: list[bytes]) -> Any:
        self._require_tls()
        return super().writelines(payload)

    def _require_tls(self) -> None:
        if not self._secured:
            self.refused = True
            raise BareConnection


class GuardedClient(Client):
    """A client that writes under TLS only, unless it is ``plain``."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__()
        self._guarded = AbortableTransport() if plain else TlsTransport()
        self._transport = self._guarded

    @property
    def refused_plain(self) -> bool:
        """Whether the server did not ask for TLS."""
        return isinstance(self._guarded, TlsTransport) and self._guarded.refused

    async def abort(self) -> None:
        """End the connection, and what the client does for it, without a wait for the server."""
        self._guarded.abort()
        await self.close()
