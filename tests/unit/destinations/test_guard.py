"""The service connects to the address that it checked."""

import socket
from collections.abc import Sequence

import pytest

from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.domain.errors import DestinationRefused, Unavailable

PUBLIC, OTHER, PRIVATE = "93.184.216.34", "2606:4700:4700::1111", "10.0.0.7"


class FakeNetwork:
    """Resolves every name to the next of ``answers``; connects unless the address is ``down``."""

    def __init__(self, *answers: Sequence[str], down: Sequence[str] = ()) -> None:
        self.answers = list(answers)
        self.down = down
        self.dialled: list[str] = []

    def resolve(self, *_: object) -> Sequence[str]:
        return self.answers.pop(0)

    def connect(self, address: str, *_: object) -> socket.socket:
        self.dialled.append(address)
        if address in self.down:
            raise ConnectionRefusedError(address)
        return socket.socket()

    def guard(self, *, insecure: bool = False) -> Guard:
        return Guard(self.resolve, self.connect, insecure=insecure)


def test_a_name_is_resolved_once_so_that_a_second_answer_can_not_slip_by() -> None:
    network = FakeNetwork([PUBLIC], [PRIVATE])
    network.guard().dial("hooks.example.com", 443, 5.0).close()
    assert network.dialled == [PUBLIC]
    assert network.answers == [[PRIVATE]]


def test_one_private_address_among_public_ones_refuses_them_all() -> None:
    network = FakeNetwork([PUBLIC, PRIVATE])
    with pytest.raises(DestinationRefused) as refused:
        network.guard().dial("hooks.example.com", 443, 5.0)
    assert network.dialled == []
    assert PRIVATE not in refused.value.message
    assert PRIVATE in refused.value.detail


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    network = FakeNetwork([PUBLIC, OTHER], down=[PUBLIC])
    network.guard().dial("hooks.example.com", 443, 5.0).close()
    assert network.dialled == [PUBLIC, OTHER]


def test_no_answer_from_any_address_is_an_error_of_the_network() -> None:
    with pytest.raises(ConnectionRefusedError):
        FakeNetwork([PUBLIC], down=[PUBLIC]).guard().dial("hooks.example.com", 443, 5.0)


def test_no_address_is_dialled_once_the_time_is_up() -> None:
    network = FakeNetwork([PUBLIC])
    with pytest.raises(TimeoutError):
        network.guard().dial("hooks.example.com", 443, 0.0)
    assert network.dialled == []


def test_the_local_switch_allows_private_addresses() -> None:
    network = FakeNetwork([PRIVATE])
    network.guard(insecure=True).dial("receiver.local", 80, 5.0).close()
    assert network.dialled == [PRIVATE]


def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    def resolve(*_: object) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with pytest.raises(Unavailable, match="name of the webhook's host"):
        Guard(resolve, system_connect, insecure=False).dial("nowhere.example", 443, 5.0)


ODD_LOOPBACKS = ["localhost", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "::1", "[::1]"]


@pytest.mark.parametrize("host", ODD_LOOPBACKS)
def test_however_loopback_is_written_it_is_refused(host: str) -> None:
    with pytest.raises((DestinationRefused, Unavailable)):
        Guard(system_resolve, system_connect, insecure=False).dial(host, 443, 5.0)


def test_a_host_name_that_can_not_be_one_is_refused() -> None:
    with pytest.raises(DestinationRefused, match="name of the webhook's host"):
        Guard(system_resolve, system_connect, insecure=False).dial("a" * 64 + ".example", 443, 5.0)


REFUSED_URLS = [
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "//hooks.example.com/",
    "hooks.example.com",
    "https://",
    "https:///path",
    "https://user@hooks.example.com/",
    "https://user:password@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/",
    "https://hooks.example.com:abc/",
    "https://[::1",
    "javascript:alert(1)",
    "",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_rows_must_not_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(DestinationRefused):
        FakeNetwork().guard().require_url(url)


ACCEPTED_URLS = [
    "https://hooks.example.com",
    "https://hooks.example.com/path?query=1#part",
    "HTTPS://HOOKS.EXAMPLE.COM/",
    "https://hooks.example.com:8443/",
    "https://[2606:4700:4700::1111]/",
    "https://hooks.example.com./",
]


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_an_https_url_is_accepted(url: str) -> None:
    assert FakeNetwork().guard().require_url(url).host


def test_plain_http_needs_the_local_switch() -> None:
    assert FakeNetwork().guard(insecure=True).require_url("http://127.0.0.1:8080/").port == 8080
