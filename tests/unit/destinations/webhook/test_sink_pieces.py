"""A receiver that answers 413: batches are split, and the same rows have the same ids at every attempt."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import hypothesis.strategies as some
import pytest
from hypothesis import given, settings

from shared.destinations.webhook.connections import Answer, Connections
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import DestinationRefused, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, RowTooLarge, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.sending import ChunkDelivery
from tests.examples import examples
from tests.fakes.receivers import NarrowReceiver
from tests.fakes.sending import SteadyPulse, delivery_to, webhook_destination
from tests.fakes.sized import SizedRows
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink

ONE = WebhookLimits(least=0.0, reserve=5.0, in_flight=1, checkpoint=0.0)
THREE = replace(ONE, in_flight=3)


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


def accepted(receiver: NarrowReceiver) -> list[list[int]]:
    return [request.rows() for request in receiver.taken()]


def delivery(url: str, rows: int, *, skip: bool = False) -> ChunkDelivery:
    return replace(delivery_to(webhook_destination(url), rows), skip_oversized=skip)


def test_a_batch_is_halved_until_the_receiver_takes_it_and_later_ones_at_once(
    connections: Connections,
) -> None:
    pulse = SteadyPulse()
    with NarrowReceiver(600) as receiver:
        sent = delivery(receiver.url, 30)
        assert webhook_sink(connections, FakeTime(), ONE).deliver(sent, SizedRows([100] * 30), pulse)
    sizes = [len(request.rows()) for request in receiver.requests]
    assert sizes == [10, *[5] * 6]
    assert sorted(row for rows in accepted(receiver) for row in rows) == list(range(30))
    prefix = f"{sent.job_id}_attempt1_3_{sent.destination.uid}"
    assert [request.headers["webhook-id"] for request in receiver.requests] == [
        f"{prefix}_0",
        *(f"{prefix}_{first // 10}_{first}_5" for first in range(0, 30, 5)),
    ]


def test_a_row_that_is_too_large_alone_fails_the_job_by_its_name(connections: Connections) -> None:
    pulse = SteadyPulse()
    with NarrowReceiver(2_000) as receiver, pytest.raises(RowTooLarge) as named:
        webhook_sink(connections, FakeTime(), ONE).deliver(
            delivery(receiver.url, 20), SizedRows([*[100] * 13, 3_000, *[100] * 6]), pulse
        )
    assert named.value.message == (
        "Row 13 of chunk 3 (key key-13) has 3,001 bytes, more than the receiver of webhook hook, which"
        " answered 413, takes. Have it accept larger requests and retry the job, or create it anew with"
        " oversized_rows set to skip, which leaves such rows out and names them"
    )
    assert named.value.detail == "413: too much"
    assert pulse.splits.acknowledged == 13


def test_such_rows_can_be_left_out(connections: Connections) -> None:
    pulse = SteadyPulse()
    large = {0, 13, 14, 29}
    with NarrowReceiver(2_000) as receiver:
        sizes = [3_000 if number in large else 100 for number in range(30)]
        sent = delivery(receiver.url, 30, skip=True)
        assert webhook_sink(connections, FakeTime(), ONE).deliver(sent, SizedRows(sizes), pulse)
    assert sorted(row for rows in accepted(receiver) for row in rows) == sorted(set(range(30)) - large)
    assert pulse.skipped.rows == len(large)
    assert [(row.row, row.key, row.size, row.limit) for row in pulse.skipped.named] == [
        (number, f"key-{number}", 3_001, None) for number in sorted(large)
    ]


def test_a_batch_that_is_too_large_to_be_held_fails_the_job_with_what_to_change(
    connections: Connections,
) -> None:
    pulse, read = SteadyPulse(), list[int]()
    rows = SizedRows([*[50] * 10, *[400] * 20], before=read.append)
    sink = webhook_sink(connections, FakeTime(), replace(ONE, batch_bytes=2_000))
    with NarrowReceiver(1_000_000) as receiver, pytest.raises(DestinationRefused) as refused:
        sink.deliver(delivery(receiver.url, 30, skip=True), rows, pulse)
    assert refused.value.message == (
        "Batch 1 of chunk 3 is too large for one request of webhook hook: the first 5 of its 10 rows already"
        " have 2,035 bytes with their keys, and a batch may have 2,000. Create the job anew with batch_rows"
        " of at most 2"
    )
    assert read == [0, 10]
    assert [request.rows() for request in receiver.requests] == [list(range(10))]


def test_a_batch_of_one_row_is_sent_whatever_its_size(connections: Connections) -> None:
    with NarrowReceiver(1_000_000) as receiver:
        sent = replace(delivery(receiver.url, 3), batch_rows=1)
        limits = replace(ONE, batch_bytes=200)
        sizes = [100, 3_000, 100]
        assert webhook_sink(connections, FakeTime(), limits).deliver(sent, SizedRows(sizes), SteadyPulse())
    assert accepted(receiver) == [[0], [1], [2]]


def test_a_batch_of_one_row_is_left_out_as_well(connections: Connections) -> None:
    pulse = SteadyPulse()
    with NarrowReceiver(2_000) as receiver:
        sent = replace(delivery(receiver.url, 3, skip=True), batch_rows=1)
        assert webhook_sink(connections, FakeTime(), ONE).deliver(sent, SizedRows([100, 3_000, 100]), pulse)
    assert accepted(receiver) == [[0], [2]]
    assert [row.row for row in pulse.skipped.named] == [1]


def test_no_piece_is_sent_before_it_is_on_record(connections: Connections) -> None:
    pulse = SteadyPulse(checkpoint_error=Unavailable("the job store"))
    with NarrowReceiver(600) as receiver, pytest.raises(RetryLater):
        webhook_sink(connections, FakeTime(), THREE).deliver(
            delivery(receiver.url, 10), SizedRows([100] * 10), pulse
        )
    assert len(receiver.requests) == 1


@dataclass
class Scripted:
    """Stands in for Connections: answers 200 except to requests with these first rows and sizes."""

    refusals: Mapping[tuple[int, int], int]
    seen: dict[str, list[int]] = field(default_factory=dict)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        assert url.startswith("https")
        assert seconds > 0
        rows = [row["row"] for row in json.loads(body)]
        status = self.refusals.get((rows[0], len(rows)), 200)
        if status == 200:
            assert self.seen.setdefault(headers["webhook-id"], rows) == rows
        return Answer(status, {}, b"")


def test_what_was_sent_beside_a_refused_batch_comes_again_as_it_was() -> None:
    """Batch 1, larger than batch 0, was accepted by a receiver that allowed more at that moment."""
    pulse = SteadyPulse()
    sent = delivery("https://receiver.test/", 30)
    rows = SizedRows([*[100] * 10, *[200] * 20])
    first = Scripted({(0, 10): 413, (0, 5): 410, (20, 10): 413})
    with pytest.raises(DestinationRefused, match="410"):
        webhook_sink(cast("Connections", first), FakeTime(), THREE).deliver(sent, rows, pulse)
    again = replace(sent, splits=pulse.splits)
    second = Scripted({}, first.seen)
    assert webhook_sink(cast("Connections", second), FakeTime(), THREE).deliver(again, rows, pulse)
    assert sorted(row for rows in second.seen.values() for row in rows) == list(range(30))


class Killed(BaseException):
    """Ends a delivery like a crash."""


@dataclass
class Deaf:
    """Stands in for Connections, and for a receiver that takes more bytes a request every ``pace``
    requests: ``seen`` holds the rows of what it accepted by their ids. A request whose number is in
    ``deaths`` is answered, but nobody hears it.
    """

    limits: list[int]
    pace: int
    deaths: set[int]
    asked: int = 0
    killed: bool = False
    seen: dict[str, list[int]] = field(default_factory=dict)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        assert url.startswith("https")
        assert seconds > 0
        self.asked += 1
        most = self.limits[min(self.asked // self.pace, len(self.limits) - 1)]
        status = 413 if len(body) > most else 200
        if status == 200:
            rows = [row["row"] for row in json.loads(body)]
            assert self.seen.setdefault(headers["webhook-id"], rows) == rows
        if self.asked in self.deaths:
            self.killed = True
            raise Killed
        return Answer(status, {}, b"")


@dataclass
class Grave(SteadyPulse):
    """Records nothing after the receiver has seen the delivery crash."""

    receiver: Deaf | None = None

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        if self.receiver and self.receiver.killed:
            raise Unavailable("the job store")
        super().checkpoint(next_batch, skipped, splits)


@settings(max_examples=examples(150))
@given(
    sizes=some.lists(some.sampled_from([40, 100, 400, 1_500]), min_size=1, max_size=60),
    limits=some.lists(some.sampled_from([200, 500, 1_000, 10_000]), min_size=1, max_size=4),
    deaths=some.sets(some.integers(1, 40), max_size=6),
    pace=some.integers(1, 8),
    how=some.tuples(some.integers(1, 3), some.sampled_from([0.0, 1_000.0])),
)
def test_no_row_is_lost_or_comes_under_two_ids_whatever_dies_and_grows(
    sizes: list[int], limits: list[int], deaths: set[int], pace: int, how: tuple[int, float]
) -> None:
    receiver = Deaf(sorted(limits), pace, deaths)
    pulse = Grave(receiver=receiver)
    sent = replace(
        delivery_to(webhook_destination("https://receiver.test/"), len(sizes)), skip_oversized=True
    )
    in_flight, checkpoint = how
    while True:
        receiver.killed = False
        sink = webhook_sink(
            cast("Connections", receiver),
            FakeTime(),
            replace(ONE, in_flight=in_flight, checkpoint=checkpoint),
        )
        try:
            assert sink.deliver(sent, SizedRows(sizes), pulse)
            break
        except (Killed, Unavailable):
            sent = replace(
                sent,
                first_batch=pulse.checkpoints[-1] if pulse.checkpoints else 0,
                skipped=pulse.skipped,
                splits=pulse.splits,
            )
    rows = sorted(row for rows in receiver.seen.values() for row in rows)
    left_out = {row.row for row in pulse.skipped.named}
    assert len(rows) == len(set(rows))
    assert sorted({*rows} ^ left_out) == list(range(len(sizes)))
    assert all(sizes[row] + 2 > min(limits) for row in left_out)
    assert pulse.skipped.rows == len(left_out)
