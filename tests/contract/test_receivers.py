"""The behaviour of every webhook receiver, which the tests' receiver shares."""

import socket

from tests.fakes.receivers import Receiver


def test_a_request_that_breaks_off_is_none() -> None:
    with Receiver() as receiver:
        with socket.create_connection(("127.0.0.1", receiver.port)) as sender:
            sender.sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[1")
            sender.shutdown(socket.SHUT_WR)
            assert sender.recv(100) == b""
        assert receiver.requests == []
