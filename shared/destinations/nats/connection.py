"""Connections to NATS servers, guarded like all addresses of clients."""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import nats.errors
import nkeys
from nats.aio.client import RawCredentials

from shared.destinations.credentials import secret_fields, secret_text
from shared.destinations.guard import Guard
from shared.destinations.nats.streams import API
from shared.destinations.nats.transport import GuardedClient
from shared.destinations.patience import begun
from shared.destinations.printable import printable
from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_PORT = 4222
_SECONDS = 10  # for one address
_SECONDS_FOR_ALL = 60  # after this time, no further address is tried
# Servers' errors for rejected credentials. "authentication timeout" is not one of them.
_NOT_TAKEN = (
    "authorization violation",
    "authorizationerror",  # the client's own text
    "authentication expired",
    "authentication revoked",
)
_CREDS = "-----BEGIN NATS USER JWT-----"
_FILE = re.compile(
    r"BEGIN NATS USER JWT-+\n[!-~]+\n-+END NATS USER JWT-"
    r".*BEGIN USER NKEY SEED-+\n([!-~]+)\n-+END USER NKEY SEED",
    re.DOTALL,
)


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

        Raises DestinationRefused for invalid credentials or addresses, and Unavailable if no server answers.
        """
        given = credentials(delivery, self.secrets)
        failure: Exception = Unavailable("NATS")
        until = asyncio.get_running_loop().time() + _SECONDS_FOR_ALL
        for server in delivery.destination.options["servers"]:
            try:
                for address in await _addresses(server, self.guard):
                    if asyncio.get_running_loop().time() > until:
                        raise failure
                    try:
                        return await _connected(server, address, given, self.tls, insecure=self.insecure)
                    except (nats.errors.Error, OSError) as error:  # OSError: also timeouts and TLS
                        failure = meaning_while_connecting(error, delivery)
                        if isinstance(failure, DestinationRefused):
                            raise failure from None
            except Unavailable as unavailable:
                failure = unavailable  # this server's name does not resolve; the next one's may
        raise failure from None


async def _addresses(server: str, guard: Guard) -> Sequence[str]:
    host, port, _ = _parts(server)
    look_up = partial(guard.addresses, host, port, "NATS server's host")
    # Not an executor's thread: the loop would wait for it even after the result is no longer needed.
    return await asyncio.wrap_future(begun(look_up))


def _parts(server: str) -> tuple[str, int, str]:
    url = urlsplit(server if "://" in server else f"tls://{server}")
    return url.hostname or "", url.port or _PORT, url.scheme


async def _connected(
    server: str, address: str, given: Mapping[str, Any], tls: ssl.SSLContext, *, insecure: bool
) -> Connection:
    # Connect to the checked address. The certificate must still match the name.
    host, port, scheme = _parts(server)
    plain = insecure and scheme == "nats"
    client = GuardedClient(plain=plain)
    connection = Connection(client)
    secured: dict[str, Any] = {} if plain else {"tls": tls, "tls_hostname": host}
    dialling = client.connect(
        f"{'nats' if plain else 'tls'}://{f'[{address}]' if ':' in address else address}:{port}",
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
        **given,
    )
    try:
        await asyncio.wait_for(dialling, _SECONDS)
    except BaseException:
        # The client does not close its half-open connection.
        await client.abort()
        if client.refused_plain:
            raise DestinationRefused(
                f"The NATS server {server} does not ask for TLS: have it require TLS, and retry the job"
            ) from None
        raise
    return connection


def credentials(delivery: ChunkDelivery, secrets: Secrets) -> dict[str, Any]:
    """Return arguments for the client's ``connect``; DestinationRefused, with the secret's name, if
    invalid.
    """
    name = delivery.destination.options.get("credentials")
    if name is None:
        return {}
    text = secret_text(secrets, delivery, name)
    if _CREDS in text:
        _require_creds(text, name)
        return {"user_credentials": RawCredentials(text)}
    return dict(secret_fields(text, name, [("user", "password"), ("token",)]))


def _require_creds(text: str, name: str) -> None:
    """Raise DestinationRefused for a file that makes the client fail with other errors or read forever."""
    found = _FILE.search(text)
    refusal = DestinationRefused(
        f"The secret {name} is not the text of a .creds file with a token and a seed"
    )
    if found is None:
        raise refusal
    try:
        nkeys.from_seed(bytearray(found[1].encode())).wipe()
    except (nkeys.NkeysError, ValueError):
        raise refusal from None  # the cause's text could show the secret


def meaning_while_connecting(error: Exception, delivery: ChunkDelivery) -> Exception:
    """Return our error for an error while connecting."""
    detail = _shown(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable("a trusted TLS connection to the NATS server", detail=detail)
    if any(words in detail.lower() for words in _NOT_TAKEN):
        secret = delivery.destination.options.get("credentials")
        told = f"does not accept the credentials of secret {secret}" if secret else "asks for credentials"
        return DestinationRefused(f"The NATS server {told}: give valid ones and retry the job", detail=detail)
    return Unavailable("NATS", detail=detail)


def meaning(error: Exception, delivery: ChunkDelivery) -> Exception:
    """Return our error for an error of an established connection. Rejected credentials may have been replaced
    in the meantime, so the next delivery reads them again. If they are still rejected, its connecting fails.
    """
    detail = _shown(error)
    if "permissions violation" in detail.lower():
        subject = delivery.destination.options["subject"]
        return DestinationRefused(
            f"The credentials may not publish to subject {subject}: grant that, and subscribing to _INBOX.>,"
            " and retry the job",
            detail=detail,
        )
    return Unavailable("NATS", detail=detail)


def _shown(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}")
