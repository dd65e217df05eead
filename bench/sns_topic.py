"""A stand-in for an SNS topic in its own process: it accepts every message at once, and counts them.

``python -m bench.sns_topic`` prints its URL, then answers each line of its input with the number of messages
received since the last one.
"""

import re
import socket
import sys
import threading
from typing import BinaryIO

_ID = re.compile(rb"PublishBatchRequestEntries\.member\.[0-9]+\.Id=([0-9]+)")
_HEAD = (
    b'<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/>'
)
_END = b"</PublishBatchResult><ResponseMetadata/></PublishBatchResponse>"


def main() -> None:
    counts: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=_accept, args=(listener, counts), daemon=True).start()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    for _ in sys.stdin:
        print(sum(counts), flush=True)
        counts.clear()


def _accept(listener: socket.socket, counts: list[int]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, counts), daemon=True).start()


def _serve(connection: socket.socket, counts: list[int]) -> None:
    """Read requests with a Content-Length in sequence: the client makes no others."""
    with connection, connection.makefile("rb") as stream:
        while head := _head(stream):
            lengths = [line.split(b":")[1] for line in head if line.lower().startswith(b"content-length")]
            ids = _ID.findall(stream.read(int(lengths[0])))
            counts.append(len(ids))
            taken = b"".join(b"<member><Id>%b</Id><MessageId>m</MessageId></member>" % name for name in ids)
            body = _HEAD + b"<Successful>" + taken + b"</Successful>" + _END
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _head(stream: BinaryIO) -> list[bytes]:
    lines: list[bytes] = []
    while line := stream.readline().strip():
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
