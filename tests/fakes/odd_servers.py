"""Servers that begin a protocol and then stop as they should not."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LITTLE = 4_096  # bytes that a connection buffers, so that a sender blocks soon


@contextmanager
def odd_server(greeting: bytes = b"", *answers: bytes) -> Iterator[str]:
    """Yield ``host:port`` of a server that greets each client and answers its first requests in turn. After
    that it reads nothing, and keeps the connection open.
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
