"""TLS to a checked address, under the URL's name."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence

import pytest

from shared.destinations.guard import Guard
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import DestinationRefused, Unavailable
from tests.fakes.certificates import Certified, certify
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, webhook_sink

HOST = "hooks.example.com"
PUBLIC = "93.184.216.34"


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return certify(HOST, tmp_path_factory.mktemp("tls"))


class FakeInternet:
    """Every name has the one public address, which connects to the receiver on loopback."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.dialled: list[tuple[str, int]] = []

    def resolve(self, *_: object) -> Sequence[str]:
        return [PUBLIC]

    def connect(self, address: str, port: int, timeout: float) -> socket.socket:
        self.dialled.append((address, port))
        return socket.create_connection(("127.0.0.1", self.receiver.port), timeout)


@pytest.fixture
def receiver(certified: Certified) -> Iterator[Receiver]:
    with Receiver(tls=certified.server) as receiver:
        yield receiver


def send(
    internet: FakeInternet, client: ssl.SSLContext, url: str, limits: WebhookLimits | None = None
) -> bool:
    guard = Guard(internet.resolve, internet.connect, insecure=False)
    connections = Connections(guard, user_agent="backfills-test", tls=client)
    try:
        sink = webhook_sink(connections, FakeTime(), limits)
        return sink.deliver(delivery_to(webhook_destination(url), 30), NumberedRows(30), SteadyPulse())
    finally:
        connections.close()


def test_the_checked_address_is_dialled_and_the_name_verified(
    receiver: Receiver, certified: Certified
) -> None:
    internet = FakeInternet(receiver)
    assert send(internet, certified.client, f"https://{HOST}/hook")
    assert internet.dialled == [(PUBLIC, 443)]
    assert {request.headers["Host"] for request in receiver.requests} == {HOST}
    assert receiver.rows() == list(range(30))


def test_a_certificate_for_another_name_is_not_trusted(receiver: Receiver, certified: Certified) -> None:
    internet = FakeInternet(receiver)
    with pytest.raises(Unavailable, match="trusted TLS connection to the receiver of webhook hook"):
        send(internet, certified.client, "https://other.example.com/hook")
    assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_trusted(receiver: Receiver) -> None:
    with pytest.raises(Unavailable, match="trusted TLS connection"):
        send(FakeInternet(receiver), ssl.create_default_context(), f"https://{HOST}/hook")
    assert receiver.requests == []


def test_plain_http_is_refused(receiver: Receiver, certified: Certified) -> None:
    internet = FakeInternet(receiver)
    with pytest.raises(DestinationRefused, match="https"):
        send(internet, certified.client, f"http://{HOST}/hook")
    assert internet.dialled == []


def test_a_slow_answer_is_cut_off_under_tls_too(certified: Certified) -> None:
    limits = WebhookLimits(least=0.0, request=2.0, tries=2, reserve=5.0)
    with Receiver(Reply(trickle=True), tls=certified.server) as receiver:
        assert send(FakeInternet(receiver), certified.client, f"https://{HOST}/hook", limits)
        assert len(receiver.requests) == 4


def test_an_address_that_does_not_answer_is_tried_again_later(
    receiver: Receiver, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say_nothing(*_: object) -> socket.socket:
        raise TimeoutError("timed out")

    internet = FakeInternet(receiver)
    monkeypatch.setattr(internet, "connect", say_nothing)
    with pytest.raises(Unavailable, match="the receiver of webhook hook"):
        send(internet, certified.client, f"https://{HOST}/hook")


def test_a_connection_that_was_made_too_late_sends_nothing(
    receiver: Receiver, certified: Certified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deadline passed while it connected: nothing would end the request any more."""
    internet = FakeInternet(receiver)
    connect = internet.connect

    def take_long(address: str, port: int, timeout: float) -> socket.socket:
        time.sleep(1.3)
        return connect(address, port, timeout)

    monkeypatch.setattr(internet, "connect", take_long)
    limits = WebhookLimits(least=0.0, request=0.3, tries=1, reserve=5.0)
    with pytest.raises(Unavailable, match="the receiver of webhook hook"):
        send(internet, certified.client, f"https://{HOST}/hook", limits)
    assert receiver.requests == []
