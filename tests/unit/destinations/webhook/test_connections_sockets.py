"""Over real sockets, on loopback: a name that changes its mind, a redirect inwards, and a name that may be.

A receiver stands for what only this service can reach, on the very port that the hostile URL names: any
connection that got past the guard would arrive there.
"""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from shared.destinations.guard import Connect, Guard, system_connect
from shared.destinations.webhook.connections import Connections
from shared.domain.errors import DestinationRefused
from tests.fakes.certificates import Certified, certify
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, webhook_sink

HOST = "hooks.example.com"
PUBLIC, LOOPBACK = "93.184.216.34", "127.0.0.1"
ROWS = 10


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certify(HOST, tmp_path_factory.mktemp("tls"))


@pytest.fixture
def inside(certified: Certified) -> Iterator[Receiver]:
    """What no webhook may reach."""
    with Receiver(tls=certified.server) as receiver:
        yield receiver


@dataclass
class Names:
    """Resolves a name to the next of ``answers``; repeats the last one forever."""

    answers: list[str]
    asked: list[str] = field(default_factory=list)

    def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]]


def send(guard: Guard, certified: Certified, url: str) -> bool:
    """Return one batch, so one request at a time."""
    connections = Connections(guard, user_agent="backfills-test", tls=certified.client)
    try:
        sink = webhook_sink(connections, FakeTime())
        return sink.deliver(delivery_to(webhook_destination(url), ROWS), NumberedRows(ROWS), SteadyPulse())
    finally:
        connections.close()


def internet_to(outside: Receiver) -> Connect:
    """Connects the public address to the outside receiver, and any other to its own target."""

    def connect(address: str, port: int, timeout: float) -> socket.socket:
        if address == PUBLIC:
            return system_connect(LOOPBACK, outside.port, timeout)
        return system_connect(address, port, timeout)

    return connect


def test_a_name_that_turns_inwards_between_two_look_ups_never_gets_there(
    certified: Certified, inside: Receiver
) -> None:
    """The delivery does not request the second answer, and the next delivery refuses it."""
    names = Names([PUBLIC, LOOPBACK])
    with Receiver(tls=certified.server) as outside:
        guard = Guard(names.resolve, internet_to(outside), insecure=False)
        url = f"https://{HOST}:{inside.port}/hook"
        assert send(guard, certified, url)
        assert (names.asked, outside.rows()) == ([HOST], list(range(ROWS)))
        with pytest.raises(DestinationRefused, match="public address"):
            send(guard, certified, url)
    assert len(names.asked) == 2
    assert inside.requests == []


def test_a_name_that_turns_inwards_when_its_connection_is_lost_never_gets_there(
    certified: Certified, inside: Receiver
) -> None:
    """Within one delivery: the batch is retried with a new connection and a new lookup."""
    names = Names([PUBLIC, LOOPBACK])
    with Receiver(Reply(cut=True), tls=certified.server) as outside:
        guard = Guard(names.resolve, internet_to(outside), insecure=False)
        with pytest.raises(DestinationRefused, match="public address"):
            send(guard, certified, f"https://{HOST}:{inside.port}/hook")
        assert len(outside.requests) == 1
    assert inside.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", [LOOPBACK, "localhost", HOST])
def test_a_redirect_is_not_followed(certified: Certified, inside: Receiver, status: int, host: str) -> None:
    names = Names([PUBLIC])
    redirect = Reply(status, {"Location": f"https://{host}:{inside.port}/hook"})
    with Receiver(redirect, tls=certified.server) as outside:
        guard = Guard(names.resolve, internet_to(outside), insecure=False)
        with pytest.raises(DestinationRefused, match="redirects are not followed"):
            send(guard, certified, f"https://{HOST}/hook")
        assert len(outside.requests) == 1
    assert (inside.requests, names.asked) == ([], [HOST])


def test_a_name_that_may_be_is_delivered_to(certified: Certified) -> None:
    """Allowed by the local switch, because the name resolves to loopback; TLS still uses the name."""
    names = Names([LOOPBACK])
    with Receiver(tls=certified.server) as receiver:
        guard = Guard(names.resolve, system_connect, insecure=True)
        assert send(guard, certified, f"https://{HOST}:{receiver.port}/hook")
    assert receiver.rows() == list(range(ROWS))
    assert {request.headers["Host"] for request in receiver.requests} == {f"{HOST}:{receiver.port}"}
    assert names.asked == [HOST]
