"""A webhook receiver's view, over real HTTP on loopback."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import Busy, DeliveryStopped, DestinationRefused, RetryLater
from shared.steps.sending import ChunkDelivery
from tests.fakes.receivers import Receiver, Reply, Request
from tests.fakes.sending import (
    NumberedRows,
    SteadyPulse,
    delivery_to,
    webhook_destination,
)
from tests.fakes.webhook_sinks import SECRETS, START, FakeTime, loopback_connections, webhook_sink


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


def delivery(receiver: Receiver, rows: int, hash_key: str | None = None) -> ChunkDelivery:
    return delivery_to(webhook_destination(receiver.url, hash_key), rows)


def header(request: Request, name: str) -> str:
    return {key.lower(): value for key, value in request.headers.items()}[name.lower()]


def require_signed(request: Request, secret: bytes) -> None:
    """Verify both signatures like a receiver, from the raw request alone."""
    nonce, timestamp = header(request, "X-Webhook-Nonce"), header(request, "X-Webhook-Timestamp")
    own = hmac.new(secret, f"{nonce}.{timestamp}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert header(request, "X-Signature-256") == f"sha256={own}"
    identifier = header(request, "webhook-id")
    signed = f"{identifier}.{header(request, 'webhook-timestamp')}.".encode() + request.body
    standard = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert header(request, "webhook-signature") == f"v1,{standard}"
    assert uuid.UUID(nonce).version == 4


def test_each_batch_is_one_signed_post_of_a_json_array(connections: Connections) -> None:
    with Receiver() as receiver:
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(delivery(receiver, 25, "HOOK_KEY"), NumberedRows(25), SteadyPulse())
    assert [request.rows() for request in receiver.requests] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
    ]
    for request in receiver.requests:
        require_signed(request, SECRETS["org123", "HOOK_KEY"])
        assert (request.method, request.path) == ("POST", "/hook?a=b")
        assert header(request, "Content-Type") == "application/json"
        assert header(request, "Content-Length") == str(len(request.body))
        assert header(request, "User-Agent") == "backfills-test"
        assert header(request, "X-Webhook-Timestamp") == str(int(START.timestamp()))
        assert "Cookie" not in request.headers
    assert len({header(request, "webhook-id") for request in receiver.requests}) == 3


def test_without_hash_key_nothing_is_signed(connections: Connections) -> None:
    with Receiver() as receiver:
        webhook_sink(connections, FakeTime()).deliver(delivery(receiver, 1), NumberedRows(1), SteadyPulse())
    (request,) = receiver.requests
    names = {name.lower() for name in request.headers}
    assert not names & {"x-signature-256", "webhook-signature"}
    assert names >= {"x-webhook-timestamp", "x-webhook-nonce", "webhook-id", "webhook-timestamp"}


def test_all_batches_travel_on_one_connection(connections: Connections) -> None:
    with Receiver(Reply(204), Reply(200, body=b"thanks"), Reply(202, body=b"x" * 4_096)) as receiver:
        sink = webhook_sink(connections, FakeTime())
        sink.deliver(delivery(receiver, 50), NumberedRows(50), SteadyPulse())
        sink.deliver(delivery(receiver, 10), NumberedRows(10), SteadyPulse())
    assert len({request.connection for request in receiver.requests}) == 1


def test_a_receiver_that_says_too_much_is_heard_only_briefly(connections: Connections) -> None:
    with Receiver(Reply(200, body=b"x" * 1_000_000)) as receiver:
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(delivery(receiver, 20), NumberedRows(20), SteadyPulse())
    assert receiver.rows() == list(range(20))
    assert len({request.connection for request in receiver.requests}) == 2


def test_a_retry_keeps_its_id_and_is_signed_anew(connections: Connections) -> None:
    time = FakeTime()
    with Receiver(Reply(500), Reply(503), Reply(429), Reply(200)) as receiver:
        limits = WebhookLimits(least=0.0, reserve=5.0, first_pause=4.0)
        sink = webhook_sink(connections, time, limits)
        assert sink.deliver(delivery(receiver, 5, "HOOK_KEY"), NumberedRows(5), SteadyPulse())
    assert len(receiver.requests) == 4
    assert len({header(request, "webhook-id") for request in receiver.requests}) == 1
    assert len({header(request, "X-Webhook-Nonce") for request in receiver.requests}) == 4
    assert len({header(request, "X-Webhook-Timestamp") for request in receiver.requests}) > 1
    for request in receiver.requests:
        require_signed(request, SECRETS["org123", "HOOK_KEY"])
    assert max(time.pauses) <= 0.5


def test_a_repeated_delivery_carries_the_same_ids_and_bodies(connections: Connections) -> None:
    with Receiver() as receiver:
        chunk = delivery(receiver, 20)
        sink = webhook_sink(connections, FakeTime())
        sink.deliver(chunk, NumberedRows(20), SteadyPulse())
        sink.deliver(chunk, NumberedRows(20), SteadyPulse())
    first, second = receiver.requests[:2], receiver.requests[2:]
    assert [header(one, "webhook-id") for one in first] == [header(one, "webhook-id") for one in second]
    assert [one.body for one in first] == [one.body for one in second]


def test_a_delivery_goes_on_where_the_last_one_was_acknowledged(connections: Connections) -> None:
    with Receiver() as receiver:
        chunk = delivery(receiver, 35)
        sink = webhook_sink(connections, FakeTime())
        sink.deliver(chunk, NumberedRows(35), SteadyPulse())
        sink.deliver(replace(chunk, first_batch=2), NumberedRows(35), SteadyPulse())
    resumed = receiver.requests[4:]
    assert [request.rows() for request in resumed] == [list(range(20, 30)), list(range(30, 35))]
    assert [header(one, "webhook-id") for one in resumed] == [
        header(one, "webhook-id") for one in receiver.requests[2:4]
    ]


def test_nearing_the_deadline_the_rest_goes_in_a_message_of_its_own(connections: Connections) -> None:
    time = FakeTime()
    pulse = SteadyPulse(seconds=20.0, clock=time.monotonic)
    rows = NumberedRows(100, before=lambda first: time.sleep(4.0 if first else 0.0))
    with Receiver() as receiver:
        sink = webhook_sink(connections, time)
        assert not sink.deliver(delivery(receiver, 100), rows, pulse)
    assert receiver.rows() == list(range(40))
    assert pulse.checkpoints[-1] == 4


def test_what_begins_too_late_is_left_to_a_message_of_its_own(connections: Connections) -> None:
    with Receiver() as receiver:
        sink = webhook_sink(connections, FakeTime(), WebhookLimits(least=240.0))
        assert not sink.deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse(seconds=239.0))
    assert receiver.requests == []


def test_progress_is_recorded_no_more_than_once_a_second(connections: Connections) -> None:
    time, pulse = FakeTime(), SteadyPulse()
    rows = NumberedRows(100, before=lambda _: time.sleep(0.3))
    with Receiver() as receiver:
        assert webhook_sink(connections, time).deliver(delivery(receiver, 100), rows, pulse)
    assert pulse.checkpoints == [4, 8]


def test_no_batch_starts_once_the_job_has_ended(connections: Connections) -> None:
    pulse = SteadyPulse()

    def stop(first: int) -> None:
        if first == 30:
            pulse.reason = DeliveryStopped("the job was cancelled")

    with Receiver() as receiver, pytest.raises(DeliveryStopped):
        webhook_sink(connections, FakeTime()).deliver(
            delivery(receiver, 100), NumberedRows(100, before=stop), pulse
        )
    assert receiver.rows() == list(range(30))
    assert pulse.checkpoints == [3]


def test_a_pause_between_two_tries_ends_with_the_job(connections: Connections) -> None:
    time, pulse = FakeTime(), SteadyPulse()

    def cancel() -> None:
        if time.passed > 3.0:
            pulse.reason = DeliveryStopped("the job was cancelled")

    pulse.on_check = cancel
    with Receiver(Reply(503, {"Retry-After": "20"})) as receiver, pytest.raises(DeliveryStopped):
        webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), pulse)
    assert time.passed < 5.0
    assert len(receiver.requests) == 1


def test_what_stopped_the_sending_is_told_even_if_its_progress_is_lost(connections: Connections) -> None:
    pulse = SteadyPulse(checkpoint_error=Busy("somebody took over"))
    with Receiver(Reply(), Reply(410)) as receiver, pytest.raises(DestinationRefused, match="410"):
        webhook_sink(connections, FakeTime()).deliver(delivery(receiver, 30), NumberedRows(30), pulse)


def test_a_secret_that_is_missing_fails_the_job_naming_it(connections: Connections) -> None:
    with Receiver() as receiver, pytest.raises(DestinationRefused, match="NO_SUCH_KEY"):
        webhook_sink(connections, FakeTime()).deliver(
            delivery(receiver, 5, "NO_SUCH_KEY"), NumberedRows(5), SteadyPulse()
        )
    assert receiver.requests == []


def test_the_body_is_what_was_encoded(connections: Connections) -> None:
    with Receiver() as receiver:
        webhook_sink(connections, FakeTime()).deliver(delivery(receiver, 2), NumberedRows(2), SteadyPulse())
    assert json.loads(receiver.requests[0].body) == [
        {"row": 0, "text": "éxxxxxxxxxx"},
        {"row": 1, "text": "éxxxxxxxxxx"},
    ]


def test_a_function_that_stood_still_beyond_its_time_sends_nothing_more(connections: Connections) -> None:
    now = [0.0]
    pulse = SteadyPulse(seconds=100.0, clock=lambda: now[0], on_check=lambda: now.append(now.pop() + 101.0))
    with Receiver() as receiver, pytest.raises(RetryLater, match="the time for this delivery was over"):
        webhook_sink(connections, FakeTime()).deliver(delivery(receiver, 5), NumberedRows(5), pulse)
    assert receiver.requests == []
