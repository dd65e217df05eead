"""A webhook whose receiver refuses, fails, is slow or asks for time."""

from collections.abc import Iterator
from email.utils import format_datetime

import pytest

from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import AskedToWait, DestinationRefused, RetryLater, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


def delivery(receiver: Receiver, rows: int, hash_key: str | None = None) -> ChunkDelivery:
    return delivery_to(webhook_destination(receiver.url, hash_key), rows)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 415, 422, 451])
def test_a_permanent_refusal_fails_the_job_at_once(connections: Connections, status: int) -> None:
    reply = Reply(status, body=b"no such hook\r\nWARNING: forged line \x1b[31m")
    with Receiver(reply) as receiver, pytest.raises(DestinationRefused, match=str(status)) as refused:
        webhook_sink(connections, FakeTime()).deliver(delivery(receiver, 30), NumberedRows(30), SteadyPulse())
    assert len(receiver.requests) == 1
    assert "forged" not in refused.value.message
    assert refused.value.detail.isprintable()
    assert "no such hook??WARNING" in refused.value.detail


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_no_redirect_is_followed(connections: Connections, status: int) -> None:
    with Receiver() as other, Receiver(Reply(status, {"Location": other.url})) as receiver:
        sink = webhook_sink(connections, FakeTime())
        with pytest.raises(DestinationRefused, match="redirects are not followed"):
            sink.deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert other.requests == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_a_few_times_and_then_again_later(
    connections: Connections, status: int
) -> None:
    with Receiver(*[Reply(status)] * 4) as receiver:
        sink = webhook_sink(connections, FakeTime())
        with pytest.raises(RetryLater, match=f"webhook hook, which answered {status}"):
            sink.deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert len(receiver.requests) == 4


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("how", ["seconds", "date"])
def test_retry_after_is_obeyed(connections: Connections, status: int, how: str) -> None:
    time = FakeTime()
    wish = "7" if how == "seconds" else format_datetime(time.now().replace(second=7), usegmt=True)
    with Receiver(Reply(status, {"Retry-After": wish})) as receiver:
        assert webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert 6.0 <= sum(time.pauses) <= 7.0


_NO_ZONE = "Mon, 1 Jan 2024 00:00:00 +" + "9" * 20


@pytest.mark.parametrize("wish", ["", "soon", "-5", "9" * 5_000, "Sun, 99 Foo 2026", "1.5", _NO_ZONE])
def test_a_retry_after_that_makes_no_sense_is_backed_off_from(connections: Connections, wish: str) -> None:
    time = FakeTime()
    with Receiver(Reply(503, {"Retry-After": wish})) as receiver:
        assert webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert 0.0 < sum(time.pauses) <= 0.5


def test_a_date_without_time_zone_that_has_passed_asks_for_no_pause(connections: Connections) -> None:
    time = FakeTime()
    wish = "Sat, 28 Feb 2026 12:00:00 -0000"
    with Receiver(Reply(503, {"Retry-After": wish})) as receiver:
        assert webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert time.pauses == []


def test_retry_after_on_an_error_of_the_server_is_not_obeyed(connections: Connections) -> None:
    time = FakeTime()
    with Receiver(Reply(500, {"Retry-After": "400"})) as receiver:
        assert webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert sum(time.pauses) <= 0.5


def test_a_wish_longer_than_the_time_left_is_handed_back(connections: Connections) -> None:
    time, pulse = FakeTime(), SteadyPulse()
    with Receiver(Reply(), Reply(429, {"Retry-After": "3600"})) as receiver:
        with pytest.raises(AskedToWait, match="asks to wait 3600 s") as asked:
            webhook_sink(connections, time).deliver(delivery(receiver, 30), NumberedRows(30), pulse)
        assert len(receiver.requests) == 2
    assert time.pauses == []
    assert pulse.checkpoints == [1]
    assert asked.value.seconds == 3600


def test_who_asks_for_more_than_a_short_wait_is_not_waited_for_in_the_function(
    connections: Connections,
) -> None:
    """Other deliveries need the time."""
    time = FakeTime()
    with Receiver(Reply(503, {"Retry-After": "30"}), Reply(503, {"Retry-After": "31"})) as receiver:
        with pytest.raises(RetryLater, match="asks to wait 31 s"):
            webhook_sink(connections, time).deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
        assert len(receiver.requests) == 2
    assert sum(time.pauses) == pytest.approx(30)


def test_a_receiver_that_cuts_the_connection_is_tried_again(connections: Connections) -> None:
    with Receiver(Reply(cut=True), Reply(cut=True)) as receiver:
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert len(receiver.requests) == 3


def test_an_acceptance_counts_though_its_body_is_cut_off(connections: Connections) -> None:
    with Receiver(Reply(200, body=b"x" * 100, cut=True)) as receiver:
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(delivery(receiver, 20), NumberedRows(20), SteadyPulse())
    assert receiver.rows() == list(range(20))


def test_an_acceptance_counts_though_its_body_never_ends(connections: Connections) -> None:
    limits = WebhookLimits(least=0.0, request=1.0, in_flight=1)
    with Receiver(Reply(200, body=b"x" * 100, stall=True)) as receiver:
        sink = webhook_sink(connections, FakeTime(), limits)
        assert sink.deliver(delivery(receiver, 20), NumberedRows(20), SteadyPulse())
        assert receiver.rows() == list(range(20))


def test_an_acceptance_counts_though_its_body_makes_no_sense(connections: Connections) -> None:
    with Receiver(Reply(200, {"Transfer-Encoding": "chunked"}, body=b"no length\r\n")) as receiver:
        sink = webhook_sink(connections, FakeTime())
        assert sink.deliver(delivery(receiver, 20), NumberedRows(20), SteadyPulse())
    assert receiver.rows() == list(range(20))


def test_nobody_listening_is_retried_later(connections: Connections) -> None:
    with Receiver() as receiver:
        chunk = delivery(receiver, 5)
    with pytest.raises(Unavailable, match="the receiver of webhook hook"):
        webhook_sink(connections, FakeTime()).deliver(chunk, NumberedRows(5), SteadyPulse())


@pytest.mark.parametrize("reply", [Reply(hang=30.0), Reply(trickle=True)], ids=["silent", "trickling"])
def test_a_slow_receiver_is_given_up_after_the_time_of_one_request(
    connections: Connections, reply: Reply
) -> None:
    limits = WebhookLimits(least=0.0, request=1.0, tries=2, reserve=5.0)
    with Receiver(reply) as receiver:
        sink = webhook_sink(connections, FakeTime(), limits)
        assert sink.deliver(delivery(receiver, 5), NumberedRows(5), SteadyPulse())
    assert len(receiver.requests) == 2


def test_a_request_never_outlives_the_handler(connections: Connections) -> None:
    limits = WebhookLimits(least=0.0, tries=1)
    with Receiver(Reply(hang=30.0)) as receiver, pytest.raises(Unavailable):
        webhook_sink(connections, FakeTime(), limits).deliver(
            delivery(receiver, 5), NumberedRows(5), SteadyPulse(seconds=1.0)
        )
