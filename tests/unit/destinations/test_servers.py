"""Addresses of NATS and Kafka servers: every accepted one can be read, and the delivery refuses others."""

import asyncio
import ipaddress
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations import destination
from shared.destinations.external_kafka.servers import SERVERS, addresses_of
from shared.destinations.guard import Guard, system_connect
from shared.destinations.nats.connection import Access
from shared.destinations.nats.spec import SERVER
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.sending import delivery_to
from tests.fakes.trust import usual_tls

LAST_PORT = 65_535


def looked_up(server: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of the NATS server that the resolver, which knows none, is asked for."""
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        raise OSError

    guard = Guard(resolve, system_connect, insecure=False)
    access = Access(guard=guard, tls=usual_tls(), insecure=False, secrets=lambda *_: b"")
    wanted = destination(type="nats", name="bus", uid="bus-uid", servers=[server], subject="rows.all")
    with suppress(Unavailable):
        asyncio.run(access.connected(delivery_to(wanted, 1)))
    return asked


def require_host_and_port(host: str, port: int) -> None:
    assert host
    assert 1 <= port <= LAST_PORT
    if ":" in host:
        ipaddress.IPv6Address(host)


@given(st.from_regex(re.compile(SERVER, re.ASCII), fullmatch=True))
def test_every_nats_server_of_the_pattern_is_looked_up(server: str) -> None:
    ((host, port),) = looked_up(server.rstrip("\n"))
    require_host_and_port(host, port)


@given(st.from_regex(re.compile(SERVERS, re.ASCII), fullmatch=True))
def test_every_kafka_server_of_the_pattern_has_a_host_and_a_port(servers: str) -> None:
    for host, port in addresses_of(servers.rstrip("\n")):
        require_host_and_port(host, port)


@pytest.mark.parametrize("server", ["h:99999", "h:0", "[fe]:4222", "[:::::]:1", "tls://[fe]"])
def test_a_nats_server_of_an_older_job_that_is_none_fails_the_job(server: str) -> None:
    with pytest.raises(DestinationRefused, match="is not a host and a port"):
        looked_up(server)


@pytest.mark.parametrize(("server", "port"), [("h", 4222), ("tls://h:1", 1), ("[2001:db8::1]:65535", 65_535)])
def test_a_nats_server_without_a_port_has_the_usual_one(server: str, port: int) -> None:
    assert [found for _, found in looked_up(server)] == [port]
