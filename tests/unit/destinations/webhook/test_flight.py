"""Several requests in flight: the checkpoint never exceeds the acknowledged batches."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from shared.destinations.alarms import Alarms
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import DeliveryStopped, DestinationRefused, RetryLater
from shared.steps.release import releasing
from shared.steps.sending import MOST_BATCH_BYTES, ChunkDelivery
from tests.fakes.collector import without_collector
from tests.fakes.receivers import Receiver, Reply, Request
from tests.fakes.sending import NumberedBatch, NumberedRows, SteadyPulse, delivery_to, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, loopback_connections, webhook_sink

THREE = WebhookLimits(least=0.0, reserve=5.0, in_flight=3)


@pytest.fixture
def connections() -> Iterator[Connections]:
    connections = loopback_connections()
    yield connections
    connections.close()


def delivery(receiver: Receiver, rows: int) -> ChunkDelivery:
    return delivery_to(webhook_destination(receiver.url), rows)


def first_rows(receiver: Receiver) -> set[int]:
    """Return the first row of each batch that has arrived."""
    return {request.rows()[0] for request in list(receiver.requests)}


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20.0  # less than a request may take
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)


@dataclass
class RealPauses(FakeTime):
    """A clock that advances by itself; ``threads``: those that have paused."""

    threads: set[int] = field(default_factory=set)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self.threads.add(threading.get_ident())
        time.sleep(seconds)


def test_every_row_arrives_once_and_ids_tell_the_order(connections: Connections) -> None:
    with Receiver(*[Reply(hang=0.05), Reply()] * 10) as receiver:
        sink = webhook_sink(connections, FakeTime(), THREE)
        assert sink.deliver(delivery(receiver, 200), NumberedRows(200), SteadyPulse())
    by_number = sorted(
        receiver.requests, key=lambda request: int(request.headers["webhook-id"].split("_")[-1])
    )
    assert [row for request in by_number for row in request.rows()] == list(range(200))


def test_what_a_failed_delivery_held_is_free_at_once(connections: Connections) -> None:
    held: list[weakref.ref[NumberedBatch]] = []

    @dataclass
    class NotedRows(NumberedRows):
        def batches(
            self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
        ) -> Iterator[NumberedBatch]:
            for batch in super().batches(rows_per_batch, first_row, most_bytes):
                held.append(weakref.ref(batch))
                yield batch
                del batch

    with Receiver(*[Reply(status=503)] * 99) as receiver, without_collector():
        sink = webhook_sink(connections, FakeTime(), THREE)
        with pytest.raises(RetryLater):
            releasing(sink.deliver, delivery(receiver, 200), NotedRows(200), SteadyPulse())
        assert held
        assert [batch() for batch in held] == [None] * len(held)


def test_as_many_as_are_allowed_are_under_way_and_no_more(connections: Connections) -> None:
    read: list[int] = []
    released = threading.Event()

    def answer() -> Reply:
        released.wait(30.0)
        return Reply()

    with Receiver() as receiver:
        receiver.next_reply = answer  # type: ignore[method-assign]
        sink = webhook_sink(connections, FakeTime(), THREE)
        rows = NumberedRows(60, before=read.append)
        sending = threading.Thread(target=sink.deliver, args=(delivery(receiver, 60), rows, SteadyPulse()))
        sending.start()
        try:
            wait_until(lambda: len(receiver.requests) >= 3)
            assert (len(receiver.requests), read) == (3, [0, 10, 20])
        finally:
            released.set()
            sending.join()
    assert sorted(receiver.rows()) == list(range(60))


def test_a_batch_acknowledged_behind_one_that_is_not_counts_for_nothing(connections: Connections) -> None:
    """Batch 1 is refused while 2 and 3 were accepted: the next delivery starts with batch 1."""
    pulse = SteadyPulse()
    with Receiver() as receiver:

        def answer(request: Request) -> Reply:
            if request.rows()[0] != 10:
                return Reply()
            # The fourth is sent after the first is acknowledged.
            wait_until(lambda: first_rows(receiver) >= {0, 20, 30})
            return Reply(410)

        receiver.reply_to = answer  # type: ignore[method-assign]
        with pytest.raises(DestinationRefused, match="410"):
            webhook_sink(connections, FakeTime(), THREE).deliver(
                delivery(receiver, 100), NumberedRows(100), pulse
            )
    assert pulse.checkpoints == [1]


def test_a_failure_ends_the_waits_of_the_others(connections: Connections) -> None:
    """The second batch must wait for half a minute; the first one's refusal does not wait."""
    pauses = RealPauses()
    with Receiver() as receiver:

        def answer(request: Request) -> Reply:
            if request.rows()[0] != 0:
                return Reply(503, {"Retry-After": "30"})
            wait_until(lambda: len(pauses.threads) == 2)
            return Reply(410)

        receiver.reply_to = answer  # type: ignore[method-assign]
        began = time.monotonic()
        sink = webhook_sink(connections, pauses, THREE)
        with pytest.raises(DestinationRefused, match="410"):
            sink.deliver(delivery(receiver, 100), NumberedRows(100), SteadyPulse())
    assert time.monotonic() - began < 20.0


def test_a_stop_ends_them_all_and_tells_what_was_acknowledged(connections: Connections) -> None:
    pulse = SteadyPulse()

    def stop(first: int) -> None:
        if first == 50:
            pulse.reason = DeliveryStopped("the job was cancelled")

    with Receiver() as receiver, pytest.raises(DeliveryStopped):
        webhook_sink(connections, FakeTime(), THREE).deliver(
            delivery(receiver, 100), NumberedRows(100, before=stop), pulse
        )
    assert set(receiver.rows()) <= set(range(50))
    assert set(receiver.rows()) >= set(range(10 * max(pulse.checkpoints, default=0)))


def test_what_is_under_way_when_time_runs_out_is_acknowledged_first(connections: Connections) -> None:
    clock = FakeTime()
    pulse = SteadyPulse(seconds=20.0, clock=clock.monotonic)
    rows = NumberedRows(100, before=lambda first: clock.sleep(4.0 if first else 0.0))
    with Receiver(*[Reply(hang=0.05)] * 10) as receiver:
        assert not webhook_sink(connections, clock, THREE).deliver(delivery(receiver, 100), rows, pulse)
    assert sorted(receiver.rows()) == list(range(40))
    assert pulse.checkpoints[-1] == 4


def test_a_receiver_that_fails_for_now_is_told_with_what_it_has(connections: Connections) -> None:
    pulse = SteadyPulse()
    with Receiver() as receiver:
        receiver.next_reply = lambda: Reply(500 if len(receiver.requests) > 5 else 200)  # type: ignore[method-assign]
        with pytest.raises(RetryLater, match="answered 500"):
            webhook_sink(connections, FakeTime(), THREE).deliver(
                delivery(receiver, 100), NumberedRows(100), pulse
            )
    assert pulse.checkpoints[-1] <= 5


def test_alarms_ring_in_their_order_unless_they_are_cancelled() -> None:
    alarms, rung, last = Alarms(), list[str](), threading.Event()

    def ring_late() -> None:
        rung.append("late")
        last.set()

    alarms.set("late", 1.0, ring_late)
    alarms.set("early", 0.05, lambda: rung.append("early"))
    alarms.set("never", 60.0, lambda: rung.append("never"))
    alarms.cancel("never")
    alarms.cancel("unknown")
    assert last.wait(30.0)
    assert rung == ["early", "late"]
    again = threading.Event()
    alarms.set("again", 0.01, again.set)
    assert again.wait(30.0)
