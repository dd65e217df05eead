"""How bytes go to a NATS server: under TLS, or not at all."""

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


class TlsTransport(TcpTransport):
    """The client begins TLS only where the server's first line asks for it. That line comes in the clear, so
    anybody on the way could take the wish out: nothing is written before TLS. ``refused``: it was to be.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self._secured = False
        self.refused = False

    def __bool__(self) -> bool:
        # Else the client, before it connects, puts a transport of its own in its place.
        return True

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        await super().connect_tls(uri, ssl_context, buffer_size, connect_timeout)
        self._secured = True

    def write(self, payload: bytes) -> Any:
        self._require_tls()
        return super().write(payload)  # type: ignore[no-untyped-call]  # likewise

    def writelines(self, payload: list[bytes]) -> Any:
        self._require_tls()
        return super().writelines(payload)  # type: ignore[no-untyped-call]  # likewise

    def _require_tls(self) -> None:
        if not self._secured:
            self.refused = True
            raise BareConnection


class TlsClient(Client):
    """A client that writes under TLS only."""

    def __init__(self) -> None:
        super().__init__()
        self.guarded = TlsTransport()
        self._transport = self.guarded
