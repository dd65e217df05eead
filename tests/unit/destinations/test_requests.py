"""Several requests in flight: what counts as done, what is retried, what ends the delivery."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn

import pytest

from shared.destinations.requests import Request, RequestLimits, Requests, grouped
from shared.domain.errors import DeliveryStopped, DestinationRefused, Unavailable
from shared.domain.oversized import NONE_SKIPPED, OversizedRow, Skipped
from shared.steps.release import releasing
from shared.steps.sending import ChunkDelivery, EncodedBatch
from tests.fakes.collector import without_collector
from tests.fakes.sending import NumberedRows, SteadyPulse, delivery_to, kafka_destination
from tests.fakes.sized import SizedRows
from tests.fakes.webhook_sinks import FakeTime

LIMITS = RequestLimits(least=0.0, reserve=5.0, in_flight=3, checkpoint=0.0)


@dataclass
class Far:
    """Takes batches by their first rows; ``trouble``: the errors of one, as often as it is listed."""

    trouble: dict[int, list[Exception]] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    time: FakeTime = field(default_factory=FakeTime)

    def send(self, first_row: int) -> None:
        if waiting := self.trouble.get(first_row):
            raise waiting.pop(0)
        self.taken.append(first_row)

    def deliver(
        self,
        delivery: ChunkDelivery,
        pulse: SteadyPulse,
        limits: RequestLimits = LIMITS,
        *,
        before: Callable[[int], object] = lambda _: None,
    ) -> bool:
        requests = Requests(
            monotonic=self.time.monotonic, sleep=self.time.sleep, random=lambda: 1.0, limits=limits
        )
        rows = NumberedRows(delivery.rows, before=before)
        return requests.deliver(delivery, rows, pulse, prepared, self.send)


def prepared(batch: EncodedBatch) -> tuple[list[Request[int]], Skipped]:
    return [Request(batch.first_row, batch.size)], NONE_SKIPPED


def delivery(rows: int, first_batch: int = 0) -> ChunkDelivery:
    return replace(delivery_to(kafka_destination(), rows), first_batch=first_batch)


def test_batches_count_in_their_order() -> None:
    far, pulse = Far(), SteadyPulse()
    assert far.deliver(delivery(50), pulse)
    assert sorted(far.taken) == [0, 10, 20, 30, 40]
    assert pulse.checkpoints == [1, 2, 3, 4, 5]


def test_what_may_pass_is_tried_again_with_growing_pauses() -> None:
    far = Far({10: [Unavailable("it")] * 3})
    assert far.deliver(delivery(50), SteadyPulse(), replace(LIMITS, in_flight=1))
    assert sum(far.time.pauses) == pytest.approx(0.5 + 1.0 + 2.0)


def test_what_does_not_pass_ends_the_delivery_and_leaves_what_is_done_on_record() -> None:
    far, pulse = Far({20: [Unavailable("it")] * 4}), SteadyPulse()
    with pytest.raises(Unavailable):
        far.deliver(delivery(50), pulse, replace(LIMITS, checkpoint=1_000.0))
    assert pulse.checkpoints == [2]


def test_what_a_failed_delivery_held_is_free_at_once() -> None:
    held: list[weakref.ref[EncodedBatch]] = []

    def noted(batch: EncodedBatch) -> tuple[list[Request[EncodedBatch]], Skipped]:
        held.append(weakref.ref(batch))
        return [Request(batch, batch.size)], NONE_SKIPPED

    def fail(_batch: EncodedBatch) -> NoReturn:
        error = DestinationRefused("no")  # a frame that refers to its error
        raise error

    time = FakeTime()
    requests = Requests(monotonic=time.monotonic, sleep=time.sleep, random=lambda: 1.0, limits=LIMITS)
    with without_collector(), pytest.raises(DestinationRefused):
        releasing(requests.deliver, delivery(50), NumberedRows(50), SteadyPulse(), noted, fail)
    assert held
    assert [batch() for batch in held] == [None] * len(held)


def test_a_refusal_ends_it_at_once() -> None:
    far = Far({0: [DestinationRefused("no")]})
    with pytest.raises(DestinationRefused):
        far.deliver(delivery(50), SteadyPulse())
    assert far.time.pauses == []


def test_a_failure_ends_the_pauses_of_the_others() -> None:
    waiting = threading.Event()

    class Waits(Far):
        def send(self, first_row: int) -> None:
            if first_row == 10:
                waiting.set()
                raise Unavailable("it")
            if first_row == 0:
                assert waiting.wait(30.0)
                raise DestinationRefused("no")

    far = Waits()
    with pytest.raises(DestinationRefused):
        far.deliver(delivery(50), SteadyPulse(), replace(LIMITS, tries=1_000_000))


def test_a_stop_between_batches_begins_no_further_one() -> None:
    pulse = SteadyPulse()

    def stop(first: int) -> None:
        if first == 30:
            pulse.reason = DeliveryStopped("the job was cancelled")

    far = Far()
    with pytest.raises(DeliveryStopped):
        far.deliver(delivery(100), pulse, before=stop)
    assert max(far.taken) <= 30


def test_the_rest_goes_in_a_message_of_its_own_when_time_runs_out() -> None:
    far = Far()
    pulse = SteadyPulse(seconds=20.0, clock=lambda: len(far.taken) * 8.0)
    assert not far.deliver(delivery(100), pulse, replace(LIMITS, in_flight=1))
    assert pulse.checkpoints[-1] == len(far.taken) < 10
    assert far.deliver(delivery(100, first_batch=pulse.checkpoints[-1]), SteadyPulse())
    assert sorted(far.taken) == list(range(0, 100, 10))


def test_with_too_little_time_nothing_is_begun() -> None:
    far = Far()
    assert not far.deliver(delivery(10), SteadyPulse(seconds=9.0), replace(LIMITS, least=10.0))
    assert far.taken == []


def test_what_is_left_out_is_recorded_though_all_else_is_done() -> None:
    pulse = SteadyPulse()
    left_out = Skipped(1, (OversizedRow(3, None, 9, None),))
    requests = Requests(monotonic=lambda: 0.0, sleep=lambda _: None, random=lambda: 1.0, limits=LIMITS)
    limits = replace(LIMITS, checkpoint=1_000.0)
    assert replace(requests, limits=limits).deliver(
        delivery(10), NumberedRows(10), pulse, lambda _batch: ([], left_out), lambda _payload: None
    )
    assert (pulse.checkpoints, pulse.skipped) == ([1], left_out)


def test_progress_counts_numbered_batches_of_which_the_encoder_made_several() -> None:
    """Ten rows of a megabyte are two batches of the encoder; only their end is one of a numbered batch."""
    pulse = SteadyPulse()
    first_rows: list[int] = []

    def prepare(batch: EncodedBatch) -> tuple[list[Request[int]], Skipped]:
        left_out = OversizedRow(batch.first_row, None, 9, None)
        return [Request(batch.first_row, batch.size)], Skipped(1, (left_out,))

    requests = Requests(monotonic=lambda: 0.0, sleep=lambda _: None, random=lambda: 1.0, limits=LIMITS)
    rows = SizedRows([1_000_000] * 25, flat=True)
    sent = replace(delivery(25), first_batch=1)
    assert requests.deliver(sent, rows, pulse, prepare, first_rows.append)
    assert sorted(first_rows) == [10, 19, 20]
    assert pulse.checkpoints == [2, 3]
    assert [row.row for row in pulse.skipped.named] == [10, 19, 20]


def test_what_is_left_out_of_an_unfinished_batch_is_found_again() -> None:
    pulse = SteadyPulse()

    def prepare(batch: EncodedBatch) -> tuple[list[Request[int]], Skipped]:
        return [Request(batch.first_row, batch.size)], Skipped(1)

    def send(first_row: int) -> None:
        if first_row == 19:
            raise DestinationRefused("no")

    limits = replace(LIMITS, in_flight=1)
    requests = Requests(monotonic=lambda: 0.0, sleep=lambda _: None, random=lambda: 1.0, limits=limits)
    with pytest.raises(DestinationRefused):
        requests.deliver(delivery(20), SizedRows([1_000_000] * 20, flat=True), pulse, prepare, send)
    assert (pulse.checkpoints, pulse.skipped) == ([1], Skipped(2))


def test_a_numbered_batch_is_sent_to_its_end_though_time_runs_out() -> None:
    far = Far()
    pulse = SteadyPulse(seconds=20.0, clock=lambda: len(far.taken) * 16.0)
    limits = replace(LIMITS, in_flight=1)
    requests = Requests(monotonic=lambda: 0.0, sleep=lambda _: None, random=lambda: 1.0, limits=limits)
    rows = SizedRows([1_000_000] * 20, flat=True)
    assert not requests.deliver(delivery(20), rows, pulse, prepared, far.send)
    assert (far.taken, pulse.checkpoints) == ([0, 9], [1])


def test_bytes_under_way_are_bounded_too() -> None:
    most, now = [0], [0]
    lock = threading.Lock()

    def send(_payload: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        with lock:
            now[0] -= 1

    limits = replace(LIMITS, bytes_in_flight=1)
    requests = Requests(monotonic=lambda: 0.0, sleep=lambda _: None, random=lambda: 1.0, limits=limits)
    assert requests.deliver(delivery(200), NumberedRows(200), SteadyPulse(), prepared, send)
    assert most == [1]


def test_groups_hold_as_many_as_fit_and_one_at_least() -> None:
    items = [("a", 4), ("b", 4), ("c", 4), ("d", 11), ("e", 1), ("f", 1), ("g", 1)]
    groups = [(request.payload, request.size) for request in grouped(iter(items), 3, 10)]
    assert groups == [(["a", "b"], 8), (["c"], 4), (["d"], 11), (["e", "f", "g"], 3)]
