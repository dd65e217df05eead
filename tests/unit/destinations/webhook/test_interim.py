"""Interim answers (1xx) of a webhook's receiver: ignored, in any reasonable number."""

import re
import time
from collections.abc import Iterator

import pytest

from shared.destinations.webhook.connections import Connections
from shared.domain.errors import Unavailable
from tests.fakes.receivers import Receiver, Reply
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


@pytest.mark.parametrize(
    "interim",
    [[HINTS], [CONTINUE], [PROCESSING], [b"HTTP/1.1 199 Whatever\r\n\r\n"], [CONTINUE, HINTS, HINTS] * 20],
    ids=["103", "100", "102", "199", "many"],
)
def test_what_counts_is_the_answer_behind_them(connections: Connections, interim: list[bytes]) -> None:
    replies = [Reply(200, interim=interim, body=b"thanks"), Reply(204, interim=interim), Reply()]
    with Receiver(*replies) as receiver:
        chunk = delivery_to(webhook_destination(receiver.url), 30)
        assert webhook_sink(connections, FakeTime()).deliver(chunk, NumberedRows(30), SteadyPulse())
    assert receiver.rows() == list(range(30))
    assert len({request.connection for request in receiver.requests}) == 1


def test_a_refusal_behind_them_is_one(connections: Connections) -> None:
    with Receiver(Reply(404, {"X-Of": "the answer"}, body=b"no hook", interim=[HINTS])) as receiver:
        answer = connections.post(receiver.url, b"[]", {}, 10.0)
    assert (answer.status, answer.headers["X-Of"], answer.excerpt) == (404, "the answer", b"no hook")
    assert "Link" not in answer.headers


def test_without_an_answer_behind_them_there_is_none(connections: Connections) -> None:
    with Receiver(Reply(interim=[HINTS], cut=True)) as receiver, pytest.raises(Unavailable):
        connections.post(receiver.url, b"[]", {}, 10.0)


@pytest.mark.parametrize("head", [HINTS, CONTINUE], ids=["103", "100"])
def test_a_receiver_that_sends_them_for_ever_is_cut_off(connections: Connections, head: bytes) -> None:
    """Long before its deadline: sent as fast as possible, they would keep a processor busy until then."""
    began = time.monotonic()
    with Receiver(Reply(interim=[head], endless=True)) as receiver, pytest.raises(Unavailable) as cut:
        connections.post(receiver.url, b"[]", {}, 60.0)
    assert time.monotonic() - began < 30.0
    # From Python 3.14 on, the library itself limits how many `100 Continue` it skips.
    assert re.search("head is too long|more than 100 interim responses", cut.value.detail)


def test_one_after_the_other_they_hold_the_sender_no_longer_than_an_answer_may(
    connections: Connections,
) -> None:
    began = time.monotonic()
    with Receiver(Reply(interim=[HINTS], hang=1.0, trickle=True)) as receiver, pytest.raises(Unavailable):
        connections.post(receiver.url, b"[]", {}, 2.0)
    assert 1.5 < time.monotonic() - began < 20.0


def test_a_switch_of_protocols_is_no_acceptance_and_ends_its_connection(connections: Connections) -> None:
    switch = Reply(101, {"Connection": "upgrade", "Upgrade": "websocket"})
    with Receiver(switch) as receiver:
        chunk = delivery_to(webhook_destination(receiver.url), 5)
        assert webhook_sink(connections, FakeTime()).deliver(chunk, NumberedRows(5), SteadyPulse())
    assert len({request.connection for request in receiver.requests}) == 2
