"""Servers that begin to speak a protocol and then do not go on as they should."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LITTLE = 4_096  # bytes that a connection holds unread, so that a sender waits soon


@contextmanager
def odd_server(greeting: bytes = b"", *answers: bytes) -> Iterator[str]:
    """``host:port`` of a server that greets whoever connects, and answers the first things it hears, one by
    one. From then on it reads nothing, and keeps the connection open.
    """
    kept: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(greeting)
            for answer in answers:
                connection.recv(_LITTLE)
                connection.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                kept.append(connection)
                serve(connection)

    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LITTLE)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in kept:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()
