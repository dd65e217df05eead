"""librdkafka's properties for a client's cluster, with the credentials that the client named."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.destinations.credentials import secret_fields, secret_text
from shared.destinations.external_kafka.servers import addresses_of
from shared.destinations.guard import Guard
from shared.destinations.surroundings import Secrets
from shared.domain.errors import DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery

MOST_BYTES = "message.max.bytes"
MECHANISM, TOKENS = "sasl.mechanism", "OAUTHBEARER"
_PROTOCOL = "SASL_SSL"
_MECHANISM = "PLAIN"
_PASSWORD = ("username", "password")
_CERTIFICATE = ("certificate", "private_key")
_AUTHORITY = "ca"
_OF_TOKENS = ("scope",)
_TLS = {
    "certificate": "ssl.certificate.pem",
    "private_key": "ssl.key.pem",
    _AUTHORITY: "ssl.ca.pem",
}


class Connections:
    """Properties for a delivery's cluster; ``most_bytes``: librdkafka's message.max.bytes."""

    def __init__(self, guard: Guard, secrets: Secrets, *, most_bytes: int) -> None:
        self._guard = guard
        self._secrets = secrets
        self._most_bytes = most_bytes

    def of(self, delivery: ChunkDelivery) -> dict[str, Any]:
        """Return the properties; DestinationRefused for private servers, or a missing or invalid secret."""
        options = delivery.destination.options
        servers = self._found(options["bootstrap_servers"])
        protocol = options.get("security_protocol") or _PROTOCOL
        return {
            "bootstrap.servers": servers,
            "security.protocol": protocol,
            "ssl.endpoint.identification.algorithm": "https",
            "enable.ssl.certificate.verification": True,
            "client.id": "backfills",
            MOST_BYTES: self._most_bytes,
            # Our errors report a foreign broker's texts, shortened and cleaned. librdkafka must not log them.
            "log_level": 0,
            **self._credentials(delivery, protocol),
        }

    def _found(self, servers: str) -> str:
        """Return those servers whose names resolve; Unavailable if there are none.

        librdkafka needs one of them. It must not get the others: it would look up their names again, and
        nothing would check the addresses.
        """
        places = addresses_of(servers)
        # All at once: a name server that does not answer takes seconds for each name.
        with ThreadPoolExecutor(len(places), "names") as pool:
            failures = list(pool.map(self._failure, places))
        found = [server for server, failure in zip(servers.split(","), failures, strict=True) if not failure]
        if not found:
            raise next(failure for failure in failures if failure)
        return ",".join(found)

    def _failure(self, place: tuple[str, int]) -> Unavailable | None:
        try:
            self._guard.addresses(*place, "Kafka server's host")
        except Unavailable as unavailable:
            return unavailable
        return None

    def _credentials(self, delivery: ChunkDelivery, protocol: str) -> Mapping[str, Any]:
        options = delivery.destination.options
        name, logs_in = options.get("credentials"), protocol.startswith("SASL_")
        if name is None:
            if logs_in:
                raise DestinationRefused(
                    f"{delivery.destination} needs credentials for {protocol}: the name of a secret with"
                    " username and password"
                )
            return {}
        mechanism = options.get("sasl_mechanism") or _MECHANISM
        text = secret_text(self._secrets, delivery, name)
        found = secret_fields(text, name, *_fields(mechanism, logs_in=logs_in))
        tls = {_TLS[field]: value for field, value in found.items() if field in _TLS}
        return {**tls, **self._login(mechanism, found)} if logs_in else tls

    def _login(self, mechanism: str, found: Mapping[str, str]) -> dict[str, Any]:
        if mechanism != TOKENS:
            return {
                MECHANISM: mechanism,
                "sasl.username": found["username"],
                "sasl.password": found["password"],
            }
        self._guard.require_url(found["token_endpoint"], "token_endpoint")
        scope = {"sasl.oauthbearer.scope": found["scope"]} if "scope" in found else {}
        return {
            MECHANISM: mechanism,
            "sasl.oauthbearer.client.id": found["username"],
            "sasl.oauthbearer.client.secret": found["password"],
            "sasl.oauthbearer.token.endpoint.url": found["token_endpoint"],
            **scope,
        }


def _fields(
    mechanism: str, *, logs_in: bool
) -> tuple[Collection[Collection[str]], Collection[str], Collection[str]]:
    """Return the sets of fields, of which the secret must have one, the optional and the unused fields."""
    if not logs_in:
        # Brokers of a private authority need not ask for a client's certificate.
        return (_CERTIFICATE, ()), (_AUTHORITY,), _OF_TOKENS
    if mechanism == TOKENS:
        login = (*_PASSWORD, "token_endpoint")
        return (login, (*login, *_CERTIFICATE)), (_AUTHORITY, *_OF_TOKENS), ()
    return (_PASSWORD, (*_PASSWORD, *_CERTIFICATE)), (_AUTHORITY,), _OF_TOKENS
