"""The transport to a NATS server: only with TLS, and it can be aborted at once."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import ParseResult

import nats.errors
from nats.aio.client import Client
from nats.aio.transport import TcpTransport


class BareConnection(nats.errors.Error):
    """The server would continue without TLS."""

    def __str__(self) -> str:
        return "the server did not ask for TLS"


class AbortableTransport(TcpTransport):
    """A transport that can be aborted. The client's own close writes pending data and waits for the server,
    which may never read.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self._aborted = False

    def __bool__(self) -> bool:
        # Otherwise the client replaces this transport with its own before it connects.
        return True

    def abort(self) -> None:
        """Drop the connection and all unwritten data."""
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
        # The loop's next iteration closes the socket. An interrupted handshake never reports its end.
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Tls:
    """``name``: must be in the server's certificate. ``first``: the server does not greet before TLS."""

    context: ssl.SSLContext
    name: str
    first: bool


class TlsTransport(AbortableTransport):
    """A transport that writes nothing before TLS. The client begins TLS only if the server's first line asks
    for it, and this line is plain text, which an attacker on the network could change. ``refused``: the
    client tried to write without TLS.
    """

    def __init__(self, tls: Tls) -> None:
        super().__init__()
        self._tls = tls
        self._secured = False
        self.refused = False

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        if not self._tls.first:
            await super().connect(uri, buffer_size, connect_timeout)
            return
        # The client itself would read plain text until it begins TLS, and lose a greeting that comes first.
        dialling = asyncio.open_connection(
            uri.hostname, uri.port, limit=buffer_size, ssl=self._tls.context, server_hostname=self._tls.name
        )
        self._io_reader, self._io_writer = await asyncio.wait_for(dialling, connect_timeout)
        self._bare_io_reader, self._bare_io_writer = self._io_reader, self._io_writer
        self._secured = True

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        if not self._secured:
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
    """A client that writes only with TLS, unless ``tls`` is None."""

    def __init__(self, tls: Tls | None) -> None:
        super().__init__()
        self._guarded = AbortableTransport() if tls is None else TlsTransport(tls)
        self._transport = self._guarded

    @property
    def refused_plain(self) -> bool:
        """Return whether the server did not ask for TLS."""
        return isinstance(self._guarded, TlsTransport) and self._guarded.refused

    @property
    def asked_for_certificate(self) -> bool:
        """Return whether the server's greeting says that it lets in clients with a certificate only."""
        return bool(self._server_info.get("tls_verify"))

    async def abort(self) -> None:
        """End the connection and the client's tasks without waiting for the server."""
        self._guarded.abort()
        await self.close()
