"""Connections to NATS servers, guarded as all addresses of clients are."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import nats.errors
import nkeys
from nats.aio.client import Client, RawCredentials

from shared.destinations.credentials import secret_fields, secret_text
from shared.destinations.guard import Guard
from shared.destinations.nats.transport import TlsClient
from shared.destinations.surroundings import Secrets
from shared.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

_PORT = 4222
_SECONDS = 10
_CREDS = "-----BEGIN NATS USER JWT-----"
_FILE = re.compile(
    r"BEGIN NATS USER JWT-+\n[!-~]+\n-+END NATS USER JWT-"
    r".*BEGIN USER NKEY SEED-+\n([!-~]+)\n-+END USER NKEY SEED",
    re.DOTALL,
)
_SHOWN = 200  # characters of an error in the log


class Connection:
    """A client, and what its server has complained of since."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.complaint: Exception | None = None

    async def complain(self, error: Exception) -> None:
        self.complaint = error


async def connected(
    delivery: ChunkDelivery, guard: Guard, secrets: Secrets, tls: ssl.SSLContext, *, insecure: bool
) -> Connection:
    """A connection to the first of the destination's servers that takes one.

    DestinationRefused for credentials and addresses that can't be; Unavailable if no server answers.
    """
    given = credentials(delivery, secrets)
    failure: Exception = Unavailable("NATS")
    for server in delivery.destination.options["servers"]:
        try:
            return await _connected(server, guard, given, tls, insecure=insecure)
        except (TimeoutError, nats.errors.Error, OSError, ssl.SSLError) as error:
            failure = meaning(error, delivery)
            if isinstance(failure, DestinationRefused):
                break
    raise failure from None


async def _connected(
    server: str, guard: Guard, given: Mapping[str, Any], tls: ssl.SSLContext, *, insecure: bool
) -> Connection:
    url = urlsplit(server if "://" in server else f"tls://{server}")
    host, port = url.hostname or "", url.port or _PORT
    loop = asyncio.get_running_loop()
    # What was checked is what is dialled; the certificate has to be of the name all the same.
    addresses = await loop.run_in_executor(None, guard.addresses, host, port, "NATS server's host")
    address = addresses[0]
    plain = insecure and url.scheme == "nats"
    client = Client() if plain else TlsClient()
    connection = Connection(client)
    secured: dict[str, Any] = {} if plain else {"tls": tls, "tls_hostname": host}
    dialling = connection.client.connect(
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
        # The client leaves open what it has opened so far.
        with suppress(nats.errors.Error, OSError):
            await client.close()
        if isinstance(client, TlsClient) and client.guarded.refused:
            raise DestinationRefused(
                f"The NATS server {server} does not ask for TLS: have it require TLS, and retry the job"
            ) from None
        raise
    return connection


def credentials(delivery: ChunkDelivery, secrets: Secrets) -> dict[str, Any]:
    """What the client's ``connect`` takes; DestinationRefused, with the secret's name, if it is none."""
    name = delivery.destination.options.get("credentials")
    if name is None:
        return {}
    text = secret_text(secrets, delivery, name)
    if _CREDS in text:
        _require_creds(text, name)
        return {"user_credentials": RawCredentials(text)}
    return dict(secret_fields(text, name, [("user", "password"), ("token",)]))


def _require_creds(text: str, name: str) -> None:
    """DestinationRefused for a file of which the client makes errors of its own kind, or reads for ever."""
    found = _FILE.search(text)
    refusal = DestinationRefused(
        f"The secret {name} is not the text of a .creds file with a token and a seed"
    )
    if found is None:
        raise refusal
    try:
        nkeys.from_seed(bytearray(found[1].encode())).wipe()
    except (nkeys.NkeysError, ValueError):
        raise refusal from None  # whose text could show the secret


def meaning(error: Exception, delivery: ChunkDelivery) -> Exception:
    """What an error of the client is to the delivery."""
    options = delivery.destination.options
    text = f"{type(error).__name__}: {error}"
    detail = "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_SHOWN])
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable("a trusted TLS connection to the NATS server", detail=detail)
    words = text.lower()
    if "permissions violation" in words:
        return DestinationRefused(
            f"The credentials may not publish to subject {options['subject']}: grant that, and subscribing to"
            " _INBOX.>, and retry the job",
            detail=detail,
        )
    if "authorization" in words or "authentication" in words or "user authentication" in words:
        secret = options.get("credentials")
        told = f"does not take the credentials of secret {secret}" if secret else "asks for credentials"
        return DestinationRefused(f"The NATS server {told}: give valid ones and retry the job", detail=detail)
    return Unavailable("NATS", detail=detail)
