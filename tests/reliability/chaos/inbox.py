"""One webhook receiver for many jobs: it stores every batch by path, with configured answers."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Reply:
    """``pause`` in seconds precedes the answer. ``cut``: the connection closes without an answer."""

    status: int = 200
    pause: float = 0.0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A received batch. ``accepted``: the answer was 2xx."""

    identifier: str
    body: bytes
    accepted: bool


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Log nothing: killed senders are part of the suite."""


class Inbox:
    """``answer`` gets the path of each request."""

    def __init__(self, answer: Callable[[str], Reply] = lambda _: Reply()) -> None:
        self.answer = answer
        self._batches: defaultdict[str, list[Batch]] = defaultdict(list)
        self._seen: set[str] = set()
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"inbox": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.set()
        self._server.shutdown()
        self._server.server_close()

    def freeze(self) -> None:
        """Accept requests and answer none, until ``thaw``."""
        self._open.clear()

    def thaw(self) -> None:
        self._open.set()

    def batches(self, path: str) -> list[Batch]:
        """Return all batches for a path, in order of arrival."""
        with self._lock:
            return list(self._batches[path])

    def has_come(self, path: str) -> bool:
        """Return whether any request for the path arrived, answered or not."""
        return path in self._seen

    def take(self, path: str, identifier: str, body: bytes) -> Reply:
        self._seen.add(path)
        self._open.wait()
        reply = self.answer(path)
        time.sleep(reply.pause)
        with self._lock:
            accepted = reply.status < 300 and not reply.cut
            self._batches[path].append(Batch(identifier, body, accepted))
        return reply


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    inbox: Inbox

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # The sender crashed in the middle of its request.
            self.close_connection = True
            return
        reply = self.inbox.take(self.path, self.headers["webhook-id"], body)
        if reply.cut:
            self.close_connection = True
            return
        self.send_response(reply.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: ``batches`` shows the requests."""
