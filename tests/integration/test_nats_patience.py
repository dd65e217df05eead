"""NATS servers that stop answering: a job's end still stops the delivery, and another attempt may succeed."""

import threading
import time
from collections.abc import Sequence

import pytest

from shared.destinations import destination
from shared.destinations.nats.sink import NatsSink
from shared.domain.errors import DeliveryStopped, DestinationRefused, Unavailable
from shared.steps.sending import ChunkDelivery
from tests.fakes.nats_sinks import Subject, nats_sink
from tests.fakes.odd_servers import odd_server
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to

pytestmark = pytest.mark.emulator

INFO = (
    b'INFO {"server_id":"odd","version":"2.10.0","headers":true,"max_payload":1048576,"jetstream":true}\r\n'
)
PONG = b"PONG\r\n"
LARGE = NumberedRows(5_000, width=10_000)
AT_ONCE = 7.0  # seconds: less than any of the client's timeouts, and enough for a busy machine


def delivery(server: str, rows: int = 5_000) -> ChunkDelivery:
    options = {"servers": [f"nats://{server}"], "subject": "some.rows"}
    return delivery_to(destination(type="nats", name="bus", uid="bus-uid", **options), rows)


def seconds_to_stop(sink: NatsSink, given: ChunkDelivery) -> float:
    """Return how long a delivery takes to end after its job ended, a second after it began."""
    pulse = SteadyPulse()
    ended_at: list[float] = []

    def end_job() -> None:
        ended_at.append(time.monotonic())
        pulse.reason = DeliveryStopped("the job was cancelled")

    timer = threading.Timer(1.0, end_job)
    timer.start()
    try:
        with pytest.raises(DeliveryStopped):
            sink.deliver(given, LARGE, pulse)
        return time.monotonic() - ended_at[0]
    finally:
        timer.cancel()
        timer.join()


def test_a_server_that_stops_reading_does_not_hold_a_delivery_whose_job_has_ended() -> None:
    with odd_server(INFO, PONG) as server:
        assert seconds_to_stop(nats_sink(), delivery(server)) < AT_ONCE


def test_a_server_that_says_nothing_does_not_hold_a_delivery_whose_job_has_ended() -> None:
    with odd_server() as server:
        assert seconds_to_stop(nats_sink(), delivery(server)) < AT_ONCE


def test_a_name_that_is_looked_up_for_long_does_not_hold_a_delivery_whose_job_has_ended() -> None:
    found = threading.Event()

    def resolve(_host: str, _port: int) -> Sequence[str]:
        found.wait(20)
        return ["127.0.0.1"]

    try:
        assert seconds_to_stop(nats_sink(resolve=resolve), delivery("127.0.0.1:9")) < AT_ONCE
    finally:
        found.set()


def test_all_addresses_of_a_host_are_tried(nats_host: str) -> None:
    subject = Subject(nats_host)

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.3", "127.0.0.1"]  # the server is only at the second address

    assert nats_sink(resolve=resolve).deliver(subject.delivery(5), NumberedRows(5), SteadyPulse())
    assert subject.rows() == list(range(5))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (b"Authentication Timeout", Unavailable),
        (b"Maximum Connections Exceeded", Unavailable),
        (b"Authorization Violation", DestinationRefused),
        (b"User Authentication Expired", DestinationRefused),
        (b"User Authentication Revoked", DestinationRefused),
        (b"Account Authentication Expired", DestinationRefused),
    ],
)
def test_only_words_about_credentials_tell_that_they_are_not_taken(
    words: bytes, error: type[Exception]
) -> None:
    with odd_server(INFO, b"-ERR '" + words + b"'\r\n") as server, pytest.raises(error):
        nats_sink().deliver(delivery(server, 5), NumberedRows(5), SteadyPulse())


def test_credentials_that_expire_on_the_way_are_read_anew_by_the_next_try() -> None:
    expired = b"-ERR 'User Authentication Expired'\r\n"
    with odd_server(INFO, PONG + expired) as server, pytest.raises(Unavailable) as told:
        nats_sink().deliver(delivery(server, 5), NumberedRows(5), SteadyPulse())
    assert "authentication expired" in told.value.detail.lower()
