"""Backfill creation over HTTP by 8 concurrent clients, compared with a bare Firestore write and a publish."""

import json
import socket
import threading
from typing import BinaryIO

import urllib3

from bench import api_work, brokers, process
from bench.figures import Figure, figure, ratio
from bench.function import serving
from bench.rounds import Measured, paired
from infra.local import environments

KEYS = ("api_create_p99_vs_bare",)

_CLIENTS = 8
_CALLS = 250
_BODY = {
    "job_name": "bench",
    "table": "base.assets.erc20_token_transfers",
    "backfill_window": {
        "partition_key": "block_timestamp",
        "start": "2026-03-01T00:00:00",
        "end": "2026-03-08T00:00:00",
    },
    "destinations": [{"type": "kafka", "name": "transfers"}],
}


def run(rounds: int) -> dict[str, Figure]:
    with brokers.stack("firestore", "pubsub") as stack:
        environment = environments.function("api", stack.options, stack.layout)
        environment["MOST_JOBS_IN_FLIGHT"] = "1000000"  # no job ends
        with serving("api", environment) as url:
            key = stack.endpoints["api_key"]
            created(url, key, 5)
            found = paired(
                {
                    "api": lambda: created(url, key, _CALLS),
                    "bare": lambda: process.work(
                        api_work.bare, environment=environment, clients=_CLIENTS, calls=_CALLS
                    ),
                },
                rounds,
            )
    return {
        "api_create_p99_vs_bare": ratio(found["api"], found["bare"], "p99_ms"),
        "api_create_p99_ms": figure(each["p99_ms"] for each in found["api"]),
    }


def created(url: str, key: str, calls: int) -> Measured:
    """Create jobs; each client has its own keep-alive connection."""
    host, port = _address(url)
    body = json.dumps(_BODY).encode()
    head = (
        f"POST /api/v1/beam/backfills HTTP/1.1\r\nHost: {host}:{port}\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    connections = threading.local()

    def call() -> None:
        # An HTTP library would use as much of the other core as the emulators do.
        if not hasattr(connections, "stream"):
            connections.socket = socket.create_connection((host, port))
            connections.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.stream = connections.socket.makefile("rb")
        connections.socket.sendall(request)
        status, answer = _answer(connections.stream)
        if b" 201 " not in status:
            raise process.BenchFailure(f"the API answered {status!r}: {answer!r}")

    return {"p99_ms": api_work.percentile_99(api_work.latencies(call, _CLIENTS, calls))}


def _answer(stream: BinaryIO) -> tuple[bytes, bytes]:
    status, length = stream.readline(), 0
    while line := stream.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return status, stream.read(length)


def _address(url: str) -> tuple[str, int]:
    parsed = urllib3.util.parse_url(url)
    return str(parsed.host), int(parsed.port or 80)
