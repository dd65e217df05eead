"""Connections to NATS servers, guarded like all addresses of clients."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import nats.errors

from shared.destinations.guard import Guard
from shared.destinations.nats.complaints import is_final, meaning_while_connecting, worth_most
from shared.destinations.nats.login import Login, login
from shared.destinations.nats.streams import API
from shared.destinations.nats.transport import GuardedClient, Tls
from shared.destinations.patience import begun
from shared.destinations.surroundings import Secrets
from shared.domain.errors import BackfillError, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_PORT = 4222
_SECONDS = 10  # for one address
_SECONDS_FOR_ALL = 60  # after this time, no further address is tried


class Connection:
    """A client, and its error since it connected."""

    def __init__(self, client: GuardedClient) -> None:
        self.client = client
        self._complaint: Exception | None = None

    @property
    def failure(self) -> Exception | None:
        """The server's complaint, or the reason why the client gave up, if any."""
        return self._complaint or (self.client.last_error if self.client.is_closed else None)

    async def complain(self, error: Exception) -> None:
        if API.lower() in str(error).lower():
            return  # permission to query streams does not matter for sending rows
        self._complaint = self._complaint or error


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What connections are made with; ``insecure``: on a local stack, servers need not speak TLS."""

    guard: Guard
    tls: ssl.SSLContext
    insecure: bool
    secrets: Secrets

    async def connected(self, delivery: ChunkDelivery) -> Connection:
        """Connect to the first of the destination's servers and addresses that accepts a connection.

        Raises DestinationRefused for invalid credentials or addresses. If every server fails, raises
        Unavailable if another attempt may succeed, otherwise DestinationRefused.
        """
        given = login(delivery, self.secrets)
        failures: list[BackfillError] = []
        until = asyncio.get_running_loop().time() + _SECONDS_FOR_ALL
        for server in delivery.destination.options["servers"]:
            try:
                for address in await _addresses(server, self.guard):
                    if failures and asyncio.get_running_loop().time() > until:
                        raise worth_most(failures)
                    try:
                        return await self._connected(server, address, given, delivery)
                    except (nats.errors.Error, OSError) as error:  # OSError: also timeouts and TLS
                        failures.append(meaning_while_connecting(error, delivery, server))
                        if is_final(error, failures[-1]):
                            raise failures[-1] from None
            except Unavailable as unavailable:
                failures.append(unavailable)  # this name does not resolve; the next one's may
        raise worth_most(failures) from None

    async def _connected(
        self, server: str, address: str, given: Login, delivery: ChunkDelivery
    ) -> Connection:
        # Connect to the checked address. The certificate must still match the name.
        host, port, scheme = _parts(server)
        tls = None
        if not (self.insecure and scheme == "nats"):
            first = bool(delivery.destination.options.get("tls_first"))
            # Names in certificates never have the root's full stop.
            tls = Tls(given.tls or self.tls, host.rstrip("."), first)
        secured: dict[str, Any] = {"tls": tls.context, "tls_hostname": tls.name} if tls else {}
        client = GuardedClient(tls)
        connection = Connection(client)
        dialling = client.connect(
            f"{'tls' if tls else 'nats'}://{f'[{address}]' if ':' in address else address}:{port}",
            error_cb=connection.complain,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_SECONDS,
            max_outstanding_pings=2,
            ping_interval=10,
            no_echo=True,
            name="backfills",
            **secured,
            **given.arguments,
        )
        try:
            await asyncio.wait_for(dialling, _SECONDS)
        except BaseException as error:
            # The client does not close its half-open connection.
            await client.abort()
            if client.asked_for_certificate and not isinstance(error, ssl.SSLCertVerificationError):
                raise DestinationRefused(
                    f"The NATS server {server} asks for a client's certificate, which this service does not"
                    " have: have it ask for other credentials, and retry the job"
                ) from None
            if isinstance(error, nats.errors.NoServersError) and connection.failure is not None:
                raise connection.failure from None  # why it did not connect
            if client.refused_plain:
                raise DestinationRefused(
                    f"The NATS server {server} does not ask for TLS: have it require TLS, and retry the job"
                ) from None
            raise
        return connection


async def _addresses(server: str, guard: Guard) -> Sequence[str]:
    host, port, _ = _parts(server)
    look_up = partial(guard.addresses, host, port, "NATS server's host")
    # Not an executor's thread: the loop would wait for it even after the result is no longer needed.
    return await asyncio.wrap_future(begun(look_up))


def _parts(server: str) -> tuple[str, int, str]:
    try:
        url = urlsplit(server if "://" in server else f"tls://{server}")
        port = _PORT if url.port is None else url.port
    except ValueError:
        port = 0
    if port == 0:
        # Jobs of earlier releases may have such servers, which the API now refuses.
        raise DestinationRefused(
            f"The NATS server {server} is not a host and a port: create a new job with another one"
        )
    return url.hostname or "", port, url.scheme
