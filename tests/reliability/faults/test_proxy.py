"""The proxy injects exactly the requested faults."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from infra.local.ports import LOOPBACK, free_ports
from tests.e2e.support.client import wait_until
from tests.reliability.faults.proxy import Fault, Proxy

SHORT = 0.3  # seconds in which an answer would certainly arrive


@pytest.fixture
def echo() -> Iterator[int]:
    """Yield the port of a server that echoes its input."""
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_echo, args=(connection,), daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(65_536):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(free_ports(1)[0], echo) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    """Open a connection through the proxy, and check that it works."""
    with closing(connect(proxy)) as client:
        assert answer(client, b"hello") == b"hello"
        yield client


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=60)


def answer(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return client.recv(65_536)


def test_a_frozen_one_answers_when_it_thaws(proxy: Proxy, client: socket.socket) -> None:
    proxy.make(Fault(frozen=True))
    client.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        answer(client, b"anybody?")
    proxy.heal()
    client.settimeout(60)
    assert client.recv(100) == b"anybody?"


def test_a_refusing_one_resets_what_there_is_and_takes_nothing_new(
    proxy: Proxy, client: socket.socket
) -> None:
    proxy.make(Fault(refusing=True))
    assert is_broken(client)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.heal()
    with closing(connect(proxy)) as another:
        assert answer(another, b"again") == b"again"


def test_a_slow_one_takes_its_time_in_both_directions(proxy: Proxy, client: socket.socket) -> None:
    proxy.make(Fault(delay=SHORT))
    began = time.monotonic()
    assert answer(client, b"slowly") == b"slowly"
    assert time.monotonic() - began >= 2 * SHORT


def test_a_cutting_one_breaks_off_in_mid_stream(proxy: Proxy, client: socket.socket) -> None:
    proxy.make(Fault(cut_after=100))
    assert answer(client, b"x" * 50) == b"x" * 50
    client.sendall(b"one byte too many")
    assert is_broken(client)


def is_broken(client: socket.socket) -> bool:
    def ended() -> bool:
        try:
            return client.recv(100) == b""
        except ConnectionError:
            return True

    wait_until(ended, "the connection's end")
    return True
