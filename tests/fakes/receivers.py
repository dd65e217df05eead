"""A webhook receiver: a real HTTP server on loopback that answers as it was told."""

import gzip
import json
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import zstandard

PAUSE = 0.05  # seconds between two bytes of a trickled answer


@dataclass(frozen=True)
class Reply:
    """``trickle``: the answer's head comes a byte at a time, for ever. ``hang``: none comes for so many
    seconds. ``cut``: the connection is closed instead of an answer, or, with a body, in the middle of it.
    ``stall``: the second half of the body never comes. ``interim``: heads that come before the answer's,
    ``endless``: the last of them over and over, in place of it.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: float = 0.0
    cut: bool = False
    trickle: bool = False
    stall: bool = False
    interim: Sequence[bytes] = ()
    endless: bool = False


@dataclass(frozen=True)
class Request:
    """What came in; ``connection`` names the TCP connection it came on."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]

    def plain(self) -> bytes:
        """The body before it was compressed."""
        match self.headers.get("Content-Encoding"):
            case "gzip":
                return gzip.decompress(self.body)
            case "zstd":
                return zstandard.ZstdDecompressor().decompress(self.body)
            case _:
                return self.body

    def rows(self) -> list[int]:
        return [row["row"] for row in json.loads(self.plain())]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away is part of the tests: say nothing."""


class Receiver:
    """Answers with ``replies`` in their order, and after them with 200."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._replies = list(replies)
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    def rows(self) -> list[int]:
        """All rows of accepted requests."""
        return [row for request in self.requests for row in request.rows()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type["_Handler"]:
        return type("Handler", (_Handler,), {"receiver": self})

    def reply_to(self, _request: Request, /) -> Reply:
        """What to answer to a request, which is the last of ``requests`` only if it came alone."""
        return self.next_reply()

    def next_reply(self) -> Reply:
        return self._replies.pop(0) if self._replies else Reply()


class NarrowReceiver(Receiver):
    """Answers 413 to requests of more than ``most`` bytes, without using up a reply; None: takes any."""

    def __init__(self, most: int | None, *replies: Reply) -> None:
        super().__init__(*replies)
        self.most = most

    def reply_to(self, request: Request, /) -> Reply:
        return super().reply_to(request) if self.takes(request) else Reply(413, body=b"too much")

    def takes(self, request: Request) -> bool:
        return self.most is None or len(request.body) <= self.most

    def taken(self) -> list[Request]:
        return [request for request in self.requests if self.takes(request)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    receiver: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever sent it died halfway: no server takes that for a request
            self.close_connection = True
            return
        headers = dict(self.headers.items())
        request = Request(self.command, self.path, headers, body, self.client_address)
        self.receiver.requests.append(request)
        self._answer(self.receiver.reply_to(request))

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""

    def _answer(self, reply: Reply) -> None:
        if reply.hang:
            self.receiver.ended.wait(reply.hang)
        self.wfile.write(b"".join(reply.interim))
        if reply.endless:
            self._repeat(reply.interim[-1])
        if reply.trickle:
            self._trickle()
        if reply.trickle or reply.endless or (reply.cut and not reply.body):
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        half = reply.cut or reply.stall
        self.wfile.write(reply.body[: len(reply.body) // 2] if half else reply.body)
        if reply.stall:
            self.receiver.ended.wait()
        self.close_connection = self.close_connection or reply.cut

    def _repeat(self, head: bytes) -> None:
        try:
            while not self.receiver.ended.is_set():
                self.wfile.write(head)
        except OSError:
            return

    def _trickle(self) -> None:
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.receiver.ended.wait(PAUSE):
                self.wfile.write(b"x")
        except OSError:
            return
