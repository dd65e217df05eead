"""A webhook destination's options: compression, batches, parallel requests, headers."""

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from shared.destinations import destination
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.headers import NAME_PATTERN, check_name, check_plain_name, name_pattern
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery
from tests.fakes.receivers import Receiver, Reply, Request
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.webhook_sinks import SECRETS, FakeTime, loopback_connections, webhook_sink


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


def delivery(receiver: Receiver, rows: int, **options: Any) -> ChunkDelivery:
    hook = destination(type="webhook", name="hook", uid="hook-uid", url=receiver.url, **options)
    return delivery_to(hook, rows)


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_compressed_body_says_so_and_is_signed_as_it_was_before(connections: Connections, how: str) -> None:
    with Receiver() as receiver:
        sent = delivery(receiver, 10, compression=how, hash_key="HOOK_KEY")
        assert webhook_sink(connections, FakeTime()).deliver(sent, NumberedRows(10, width=500), SteadyPulse())
    (request,) = receiver.requests
    assert request.headers["Content-Encoding"] == how
    assert request.headers["Content-Length"] == str(len(request.body))
    assert len(request.body) < len(request.plain()) / 2
    assert request.rows() == list(range(10))
    nonce, seconds = request.headers["X-Webhook-Nonce"], request.headers["X-Webhook-Timestamp"]
    signed = f"{nonce}.{seconds}.".encode() + request.plain()
    mac = hmac.new(SECRETS["org123", "HOOK_KEY"], signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Signature-256"] == f"sha256={mac}"


def test_the_same_body_is_compressed_to_the_same_bytes_on_every_try(connections: Connections) -> None:
    with Receiver(Reply(500)) as receiver:
        sent = delivery(receiver, 10, compression="gzip")
        assert webhook_sink(connections, FakeTime()).deliver(sent, NumberedRows(10), SteadyPulse())
    assert len({request.body for request in receiver.requests}) == 1


def test_as_many_requests_are_under_way_as_it_asks_for(connections: Connections) -> None:
    arrived = threading.Semaphore(0)
    released = threading.Event()

    class Holding(Receiver):
        def reply_to(self, request: Request, /) -> Reply:
            arrived.release()
            released.wait(30.0)
            return super().reply_to(request)

    with Holding() as receiver:
        sent = delivery(receiver, 200, max_parallel_requests=7)
        sink, pulse = webhook_sink(connections, FakeTime()), SteadyPulse()
        sending = threading.Thread(target=sink.deliver, args=(sent, NumberedRows(200), pulse))
        sending.start()
        for _ in range(7):
            assert arrived.acquire(timeout=30.0)
        assert not arrived.acquire(timeout=0.2), "more than seven at once"
        released.set()
        sending.join()
    assert sorted(receiver.rows()) == list(range(200))


def test_bytes_under_way_are_bounded_too(connections: Connections) -> None:
    most = [0, 0]
    lock = threading.Lock()

    class Counting(Receiver):
        def reply_to(self, request: Request, /) -> Reply:
            with lock:
                most[0] += 1
                most[1] = max(most)
            answer = super().reply_to(request)
            with lock:
                most[0] -= 1
            return answer

    limits = WebhookLimits(least=0.0, reserve=5.0, in_flight=8, bytes_in_flight=1)
    with Counting() as receiver:
        sink = webhook_sink(connections, FakeTime(), limits)
        assert sink.deliver(delivery(receiver, 200), NumberedRows(200), SteadyPulse())
    assert most[1] == 1


def test_headers_are_sent_with_every_request_and_secrets_as_they_are_now(
    connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SECRETS, ("org123", "TOKEN"), b"Bearer one")
    with Receiver() as receiver:
        options = {"headers": {"X-Tenant": "a b"}, "secret_headers": {"Authorization": "TOKEN"}}
        sent = delivery(receiver, 10, **options)
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(sent, NumberedRows(10), SteadyPulse())
        monkeypatch.setitem(SECRETS, ("org123", "TOKEN"), b"Bearer two")
        assert sink.deliver(sent, NumberedRows(10), SteadyPulse())
    assert [request.headers["X-Tenant"] for request in receiver.requests] == ["a b", "a b"]
    assert [request.headers["Authorization"] for request in receiver.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    "value", [b"", b"two\r\nlines", b"ends in a line\n", b" space", "é".encode(), b"x" * 1_001]
)
def test_a_secret_that_can_be_no_header_fails_the_job_by_its_name(
    connections: Connections, monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    monkeypatch.setitem(SECRETS, ("org123", "TOKEN"), value)
    with (
        Receiver() as receiver,
        pytest.raises(DestinationRefused, match="secret TOKEN can't be a header") as told,
    ):
        webhook_sink(connections, FakeTime()).deliver(
            delivery(receiver, 10, secret_headers={"Authorization": "TOKEN"}), NumberedRows(10), SteadyPulse()
        )
    assert receiver.requests == []
    assert "lines" not in f"{told.value.message}{told.value.detail}"


def test_a_secret_that_is_missing_fails_the_job_by_its_name(connections: Connections) -> None:
    with Receiver() as receiver, pytest.raises(DestinationRefused, match="no secret named NONE"):
        webhook_sink(connections, FakeTime()).deliver(
            delivery(receiver, 10, secret_headers={"Authorization": "NONE"}), NumberedRows(10), SteadyPulse()
        )


NAMES = ["Host", "TE", "webhook-x", "X-Webhook-Id", "Cookie", "Tenant", "hosts", "x y", "", "x" * 101]


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_patterns_take_the_names_that_are_taken(name: str) -> None:
    for check, pattern in (
        (check_plain_name, name_pattern(secret=False)),
        (check_name, name_pattern(secret=True)),
    ):
        try:
            taken = re.fullmatch(NAME_PATTERN, check(name)) is not None
        except ValueError:
            taken = False
        assert (re.fullmatch(pattern, name) is not None) == taken
