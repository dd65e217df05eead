"""A webhook receiver in its own process: stores the requests, and counts and checks them afterwards.

``python -m bench.receiver PARQUET-FILE`` prints its URL, then answers each line of its input: ``count`` with
the number of received rows, ``compare`` with the same after comparing each row. Both then discard the rows.
"""

import json
import socket
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from bench import oracle

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def main() -> None:
    bodies: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=_accept, args=(listener, bodies), daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/hook", flush=True)
    for line in sys.stdin:
        rows = [row for body in bodies for row in json.loads(body)]
        bodies.clear()
        if line.strip() == "compare":
            oracle.compare(Path(sys.argv[1]), ((None, json.dumps(row).encode()) for row in rows))
        print(len(rows), flush=True)


def _accept(listener: socket.socket, bodies: list[bytes]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, bodies), daemon=True).start()


def _serve(connection: socket.socket, bodies: list[bytes]) -> None:
    """Read requests with a Content-Length in sequence: our senders make no others."""
    with connection, connection.makefile("rb") as stream:
        while head := _head(stream):
            lengths = [line.split(b":")[1] for line in head if line.lower().startswith(b"content-length")]
            bodies.append(stream.read(int(lengths[0])))
            connection.sendall(_ANSWER)


def _head(stream: BinaryIO) -> list[bytes]:
    lines: list[bytes] = []
    while line := stream.readline().strip():
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
