"""A real HTTP server on loopback with prepared answers."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB_ID = "6f1c2d7e-3b52-4c1b-9a56-0d6f4c8e2a11"


@dataclass(frozen=True)
class Says:
    """``body``: a JSON value, or raw bytes; None breaks the connection without an answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


DROPS = Says(0)  # ends the connection without an answer
RESETS = Says(-1)  # breaks it, as a crash would
HANGS = Says(-2)  # answers nothing until the service ends


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Service:
    url: str
    asked: list[Asked]


@contextmanager
def service(*answers: Says) -> Iterator[Service]:
    """Gives the answers in order, and 418 to any further request."""
    left = list(answers)
    with serving(lambda _: left.pop(0) if left else Says(418, {"detail": "not foreseen"})) as server:
        yield server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # a hundred clients may come at once


@contextmanager
def serving(answer: Callable[[Asked], Says]) -> Iterator[Service]:
    """Answers each request according to its content."""
    asked: list[Asked] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            asked.append(Asked(self.command, self.path, dict(self.headers), body))
            says = answer(asked[-1])
            if says is HANGS:
                over.wait()
            if says is RESETS:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            if says.status <= 0:
                self.close_connection = True
                return
            content = says.body if isinstance(says.body, bytes) else json.dumps(says.body).encode()
            self.send_response(says.status)
            for name, value in {"Content-Length": str(len(content)), **says.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _answer  # noqa: N815 - its parent's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
            """Log nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Service(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def job(status: str = "transporting", **fields: Any) -> dict[str, Any]:
    """Return a job in the form of get's answer."""
    return {
        "job_id": JOB_ID,
        "workflow_id": f"beam-backfill-acme-{JOB_ID}",
        "organization_id": "acme",
        "status": status,
        "job_name": "One day",
        "table": "base.assets.erc20_token_transfers",
        "partition_key": "block_timestamp",
        "backfill_start": "2026-03-01T00:00:00",
        "backfill_end": "2026-03-02T00:00:00",
        "filter_column": None,
        "filter_values": None,
        "destinations": [{"type": "kafka", "name": "transfers", "uid": "u1"}],
        "static_egress_ip": False,
        "num_chunks": 2,
        "chunks_left": 1,
        "error_message": None,
        "time_created": "2026-03-03T10:00:00.000000Z",
        "time_completed": None,
        "progress": {"chunks_done": 1, "chunks_total": 2, "rows_done": 700, "rows_total": 1200},
        "paused": False,
        "time_paused": None,
        **fields,
    }
