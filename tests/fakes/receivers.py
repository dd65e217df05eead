"""A webhook receiver: a real HTTP server on loopback with configured answers."""

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
    """``trickle``: the answer's head arrives a byte at a time, forever. ``hang``: no answer for this many
    seconds. ``cut``: the connection closes instead of an answer or, with a body, in the middle of it.
    ``stall``: the second half of the body never arrives. ``interim``: heads before the final answer;
    ``endless``: the last of them repeats instead of the answer.
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
    """A received request; ``connection`` identifies its TCP connection."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: tuple[str, int]

    def plain(self) -> bytes:
        """Return the uncompressed body."""
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
        """Log nothing: disconnecting clients are part of the tests."""


class Receiver:
    """Answers with ``replies`` in order, and after them with 200."""

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
        """Return all rows of accepted requests."""
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
        """Return the answer to a request, which is the last of ``requests`` only if it came alone."""
        return self.next_reply()

    def next_reply(self) -> Reply:
        return self._replies.pop(0) if self._replies else Reply()


class NarrowReceiver(Receiver):
    """Answers 413 to requests of more than ``most`` bytes, without consuming a reply; None: accepts any."""

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
        if len(body) < length:  # the sender crashed halfway: no server accepts that as a request
            self.close_connection = True
            return
        headers = dict(self.headers.items())
        request = Request(self.command, self.path, headers, body, self.client_address)
        self.receiver.requests.append(request)
        self._answer(self.receiver.reply_to(request))

    def do_GET(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()), b"", self.client_address)
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
