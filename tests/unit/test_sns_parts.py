"""The parts of the SNS sink that need no server."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from shared.destinations.sns.access import Access
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.entries import MOST_BYTES, MOST_ENTRIES, requests
from shared.destinations.sns.errors import Asked, failure
from shared.destinations.sns.flight import Flight
from shared.destinations.sns.identity import Keys, keys_of
from shared.destinations.sns.publishing import Publishing, Tries
from shared.destinations.sns.topic import topic_of
from shared.errors import DestinationRefused, RetryLater
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to
from tests.fakes.sized import SizedBatch
from tests.fakes.sns_sinks import KEYS, sns_destination

ARN = "arn:aws:sns:eu-west-1:123456789012:rows"
ASKED = Asked("the credentials in secret AWS_KEYS", "sns:Publish", f"topic {ARN}")


def size_of(entry: Mapping[str, Any]) -> int:
    """As Amazon counts it."""
    attributes = entry["MessageAttributes"]
    return len(entry["Message"].encode()) + sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"]) for name, value in attributes.items()
    )


@given(st.lists(st.sampled_from([1, 1_000, 26_214, 87_000, 131_000, 262_143, 262_144, 300_000]), max_size=40))
def test_requests_hold_every_row_that_fits_in_order_and_never_too_much(sizes: list[int]) -> None:
    delivery = delivery_to(sns_destination("http://127.0.0.1:9"), len(sizes))
    left_out: list[int] = []
    batch = SizedBatch(0, [b"x" * size for size in sizes])
    found = list(
        requests(delivery, batch, fifo=True, leave_out=lambda row, _key, _size: left_out.append(row))
    )
    ids = [int(entry["Id"]) for entries in found for entry in entries]
    assert ids == sorted(ids)
    assert sorted([*ids, *left_out]) == list(range(len(sizes)))
    assert all(sizes[row] >= 262_143 for row in left_out)
    for entries in found:
        assert 0 < len(entries) <= MOST_ENTRIES
        assert sum(map(size_of, entries)) <= MOST_BYTES


def test_names_of_fifo_messages_are_the_same_on_every_try_and_differ_by_chunk_and_destination() -> None:
    first = delivery_to(sns_destination("http://127.0.0.1:9"), 5)
    others = [replace(first, chunk=4), replace(first, destination=sns_destination("http://127.0.0.1:9"))]

    def names(delivery: Any) -> list[tuple[str, str]]:
        (batch,) = NumberedRows(5).batches(10)
        (entries,) = requests(delivery, batch, fifo=True, leave_out=lambda *_: None)
        return [(entry["MessageGroupId"], entry["MessageDeduplicationId"]) for entry in entries]

    assert names(first) == names(replace(first, first_batch=0))
    groups = {names(delivery)[0][0] for delivery in (first, *others)}
    assert len(groups) == 3
    assert len({name for delivery in (first, *others) for _, name in names(delivery)}) == 15


def test_batches_are_done_in_their_order_whatever_order_their_requests_end_in() -> None:
    done: list[int] = []
    second_ended, gate = threading.Event(), threading.Event()
    with Flight(2) as flight:
        flight.send(lambda: assert_set(gate))
        flight.then(lambda: done.append(0))
        flight.send(second_ended.set)
        flight.then(lambda: done.append(1))
        assert second_ended.wait(60)
        assert done == []
        gate.set()
        flight.land()
        flight.then(lambda: done.append(2))
    assert done == [0, 1, 2]


def assert_set(event: threading.Event) -> None:
    assert event.wait(60)


def test_what_goes_wrong_is_raised_and_nothing_behind_it_is_done() -> None:
    def fail() -> None:
        raise RetryLater("no")

    done: list[int] = []
    with Flight(1) as flight:
        flight.send(fail)
        flight.then(lambda: done.append(0))
        with pytest.raises(RetryLater):
            flight.land()
        assert done == []
    assert flight.given_up


def test_no_key_is_shown() -> None:
    keys, role = keys_of(json.dumps(KEYS), "AWS_KEYS")
    assert role is None
    assert not any(value in repr(keys) for value in KEYS.values())


@pytest.mark.parametrize("code", ["Throttling\r\nforged", "é", "x" * 5_000])
def test_amazons_words_are_shown_as_printable_characters(code: str) -> None:
    found = failure(code, "\x1b[31m" * 100, ASKED, status=400)
    for text in (found.message, found.detail):
        assert text.isascii()
        assert text.isprintable()
    assert len(found.detail) <= 200


@pytest.mark.parametrize(("region", "refused"), [("eu-west-1", False), ("zz-nowhere-1", True)])
def test_a_region_that_amazon_does_not_have_is_refused_once_it_does_not_answer(
    region: str, *, refused: bool
) -> None:
    topic = topic_of(ARN.replace("eu-west-1", region))
    clients = Clients(connections=1, seconds=1.0)
    client = clients.sns(region, None, Keys(access_key_id="AKIA", secret_access_key="x"))
    publishing = Publishing(
        topic=topic,
        access=Access(client, ASKED, lambda: None),
        knows_region=lambda: clients.knows(region),
        pulse=SteadyPulse(),
        given_up=lambda: False,
        tries=Tries(
            most=1,
            first_pause=0,
            longest_pause=0,
            request=1.0,
            monotonic=lambda: 0.0,
            sleep=lambda _: None,
            random=lambda: 0.5,
        ),
    )
    assert client.meta.endpoint_url == f"https://sns.{region}.amazonaws.com"
    found = publishing._unanswered(EndpointConnectionError(endpoint_url=client.meta.endpoint_url))
    assert isinstance(found, DestinationRefused) is refused
