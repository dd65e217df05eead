"""The stand-in for Pub/Sub's push sends and accepts what Pub/Sub does."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local.dispatcher import ACKNOWLEDGED, Push, Route, envelope
from infra.local.ports import LOOPBACK, free_ports

SUBSCRIPTION = "projects/p/subscriptions/chunks"


@dataclass
class FakeMessage:
    message_id: str = "17"
    data: bytes = b'{"chunk": 3}'
    attributes: dict[str, str] = field(default_factory=lambda: {"job": "a"})
    ordering_key: str = ""
    publish_time: datetime = datetime(2026, 3, 1, 12, 0, 0, 5_000, UTC)
    delivery_attempt: int | None = 2
    verdict: str = ""

    def ack(self) -> None:
        self.verdict += "ack"

    def nack(self) -> None:
        self.verdict += "nack"


class Function:
    """An HTTP server that answers every POST with one status, and stores the requests."""

    def __init__(self, status: int) -> None:
        self.bodies: list[Any] = []
        self.answering = threading.Event()
        self.answering.set()
        function = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                function.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                function.answering.wait()
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.handler = Handler


@contextmanager
def serving(function: Function, port: int = 0) -> Iterator[str]:
    with ThreadingHTTPServer((LOOPBACK, port), function.handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            function.answering.set()
            server.shutdown()
            thread.join()


def push(url: str, message: FakeMessage, *, request_timeout: float = 20.0, hold: float = 0.0) -> None:
    Push(
        Route(subscription=SUBSCRIPTION, url=url, concurrency=1), request_timeout=request_timeout, hold=hold
    )(message)


def test_the_envelope_is_the_one_that_pubsub_sends() -> None:
    assert envelope(FakeMessage(), SUBSCRIPTION) == {
        "message": {
            "attributes": {"job": "a"},
            "data": base64.b64encode(b'{"chunk": 3}').decode(),
            "messageId": "17",
            "message_id": "17",
            "publishTime": "2026-03-01T12:00:00.005Z",
            "publish_time": "2026-03-01T12:00:00.005Z",
        },
        "subscription": SUBSCRIPTION,
        "deliveryAttempt": 2,
    }


def test_the_envelope_leaves_out_what_the_message_has_not() -> None:
    bare = FakeMessage(data=b"", attributes={}, delivery_attempt=None)
    body = envelope(bare, SUBSCRIPTION)
    assert set(body) == {"message", "subscription"}
    assert set(body["message"]) == {"messageId", "message_id", "publishTime", "publish_time"}


def test_an_ordering_key_is_sent() -> None:
    assert envelope(FakeMessage(ordering_key="k"), SUBSCRIPTION)["message"]["orderingKey"] == "k"


def test_the_acknowledging_statuses_are_pubsubs() -> None:
    assert {102, 200, 201, 202, 204} == ACKNOWLEDGED


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_acknowledges(status: int) -> None:
    message, function = FakeMessage(), Function(status)
    with serving(function) as url:
        push(url, message)
    assert message.verdict == "ack"
    assert function.bodies == [envelope(message, SUBSCRIPTION)]


@pytest.mark.parametrize("status", [203, 301, 307, 400, 404, 429, 500, 503])
def test_every_other_status_is_delivered_again_and_no_redirect_is_followed(status: int) -> None:
    message, function = FakeMessage(), Function(status)
    with serving(function) as url:
        push(url, message)
    assert message.verdict == "nack"
    assert len(function.bodies) == 1


def test_a_function_that_outlives_the_ack_deadline_is_delivered_to_again() -> None:
    message, function = FakeMessage(), Function(200)
    function.answering.clear()
    with serving(function) as url:
        push(url, message, request_timeout=0.1)
    assert message.verdict == "nack"


def test_a_request_waits_for_a_function_that_starts() -> None:
    message, function = FakeMessage(), Function(200)
    port = free_ports(1)[0]
    pushing = threading.Thread(
        target=push, args=(f"http://{LOOPBACK}:{port}", message), kwargs={"hold": 60.0}
    )
    pushing.start()
    pushing.join(0.2)
    assert message.verdict == ""
    with serving(function, port):
        pushing.join()
    assert message.verdict == "ack"
    assert len(function.bodies) == 1


def test_a_function_that_does_not_start_in_time_is_a_failed_attempt() -> None:
    message = FakeMessage()
    push(f"http://{LOOPBACK}:{free_ports(1)[0]}", message, hold=0.1)
    assert message.verdict == "nack"
