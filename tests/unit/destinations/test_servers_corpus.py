"""The corpus of addresses as NATS and Kafka servers: the service connects only to public ones."""

import asyncio
import contextlib
import re
import socket
from urllib.parse import urlsplit

import pytest

from shared.destinations import destination
from shared.destinations.addresses import is_public
from shared.destinations.external_kafka.properties import Connections
from shared.destinations.external_kafka.servers import SERVERS
from shared.destinations.guard import Guard
from shared.destinations.nats.connection import Access
from shared.destinations.nats.spec import SERVER
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.sending import delivery_to
from tests.fakes.trust import usual_tls
from tests.unit.destinations.webhook.test_urls_corpus import HOSTILE, LEGITIMATE, Entry, NotedNetwork


def host_of(entry: Entry) -> str | None:
    """The address's host as a server's; None if a URL's form is all that is hostile in it."""
    try:
        host = urlsplit(entry.url).hostname
    except ValueError:
        return None
    return None if host is None else f"[{host}]" if ":" in host else host


def all_public(entry: Entry, host: str) -> bool:
    try:
        found = NotedNetwork(entry.answers).resolve(host.strip("[]"), 443)
    except (socket.gaierror, UnicodeError):
        return False
    return all(map(is_public, found))


HOSTS = [(entry, host) for entry in HOSTILE if (host := host_of(entry)) and not all_public(entry, host)]
PUBLIC = [(entry, host) for entry in LEGITIMATE if (host := host_of(entry))]


def guard_of(network: NotedNetwork) -> Guard:
    return Guard(network.resolve, network.connect, insecure=False)


def properties(entry: Entry, host: str) -> dict[str, object]:
    """What librdkafka would be told to connect to."""
    given = {"bootstrap_servers": f"{host}:9092", "topic": "rows", "security_protocol": "SSL"}
    if not re.fullmatch(SERVERS, given["bootstrap_servers"]):
        raise DestinationRefused("The API does not take it")
    delivery = delivery_to(destination(type="external_kafka", name="k", uid="u", **given), 1)
    guard = guard_of(NotedNetwork(entry.answers))
    return Connections(guard, lambda _organization, _name: b"", most_bytes=1_000).of(delivery)


def dial_nats(entry: Entry, host: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses for the client to connect to."""
    server, dialled = f"{host}:4222", list[str]()
    if not re.fullmatch(SERVER, server):
        raise DestinationRefused("The API does not take it")

    async def dial(_access: Access, _server: str, address: str, *_: object) -> None:
        dialled.append(address)
        raise OSError(address)

    monkeypatch.setattr(Access, "_connected", dial)
    given = {"servers": [server], "subject": "rows.all"}
    delivery = delivery_to(destination(type="nats", name="n", uid="u", **given), 1)
    guard = guard_of(NotedNetwork(entry.answers))
    with contextlib.suppress(Unavailable):
        tls = usual_tls()
        access = Access(guard=guard, tls=tls, insecure=False, secrets=lambda *_: b"")
        asyncio.run(access.connected(delivery))
    return dialled


@pytest.mark.parametrize(("entry", "host"), HOSTS, ids=str)
def test_a_hostile_server_is_never_connected_to(
    entry: Entry, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((DestinationRefused, Unavailable)):
        properties(entry, host)
    with contextlib.suppress(DestinationRefused):
        assert dial_nats(entry, host, monkeypatch) == []


@pytest.mark.parametrize(("entry", "host"), PUBLIC, ids=str)
def test_a_public_server_is_connected_to(entry: Entry, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if re.fullmatch(SERVERS, f"{host}:9092"):
        assert properties(entry, host)["bootstrap.servers"] == f"{host}:9092"
    if re.fullmatch(SERVER, f"{host}:4222"):
        dialled = dial_nats(entry, host, monkeypatch)
        assert dialled
        assert all(map(is_public, dialled))


def test_the_corpus_has_enough_of_both() -> None:
    assert len(HOSTS) >= 60
    assert len(PUBLIC) >= 20
