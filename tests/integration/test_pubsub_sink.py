"""The sink of Pub/Sub topics against the emulator, and against a server that refuses."""

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from shared.destinations.labels import labels
from shared.destinations.pubsub.sink import PubsubLimits, PubsubSink
from shared.errors import DeliveryStopped, DestinationRefused, Unavailable
from shared.oversized import RowTooLarge
from tests.fakes.destinations import pubsub
from tests.fakes.pubsub_sinks import Topic, publisher_of, topic
from tests.fakes.refusing import refusing_grpc
from tests.fakes.sending import NumberedBatch, NumberedRows, SteadyPulse, delivery_to

pytestmark = pytest.mark.emulator


@pytest.fixture
def exported(pubsub_host: str) -> Iterator[Topic]:
    with topic(pubsub_host) as found:
        yield found


def test_a_message_is_a_row_with_its_labels_and_no_key_unless_asked_for(exported: Topic) -> None:
    delivery = exported.delivery(3)
    assert exported.sink.deliver(delivery, NumberedRows(3), SteadyPulse())
    for number, message in enumerate(sorted(exported.messages(), key=lambda one: one.attributes["beam-row"])):
        assert message.data == NumberedBatch(number, 1, 10, keyed=True).lines()[0]
        assert dict(message.attributes) == labels(delivery, number)
        assert message.ordering_key == ""


def test_rows_have_their_ordering_key_and_are_in_order_under_it(exported: Topic) -> None:
    class FewKeys(NumberedRows):
        def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[Any]:
            for batch in super().batches(rows_per_batch, first_row):
                yield FewKeysBatch(batch.first_row, batch.rows, batch.width, keyed=True)

    class FewKeysBatch(NumberedBatch):
        def keys(self) -> list[bytes | None]:
            rows = range(self.first_row, self.first_row + self.rows)
            return [(None, b"a", "é".encode())[row % 3] for row in rows]

    assert exported.sink.deliver(exported.delivery(90, "token"), FewKeys(90), SteadyPulse())
    found = [(message.ordering_key, int(message.attributes["beam-row"])) for message in exported.messages()]
    assert len(found) == 90
    for number, key in enumerate(["", "a", "é"]):
        rows = [row for had, row in found if had == key]
        assert sorted(rows) == list(range(number, 90, 3))
        assert key == "" or rows == sorted(rows)


def test_a_redelivery_starts_at_its_checkpoint(exported: Topic) -> None:
    delivery = replace(exported.delivery(95), first_batch=4)
    assert exported.sink.deliver(delivery, NumberedRows(95), SteadyPulse())
    assert sorted(exported.rows()) == list(range(40, 95))


def test_what_was_sent_before_the_time_ran_out_is_on_record(exported: Topic) -> None:
    seconds = itertools.count()
    pulse = SteadyPulse(seconds=40, clock=lambda: float(next(seconds) * 5))
    assert not exported.sink.deliver(exported.delivery(95), NumberedRows(95), pulse)
    sent = pulse.checkpoints[-1] * 10
    assert 0 < sent < 95
    assert sorted(exported.rows()) == list(range(sent))


def test_progress_is_recorded_about_once_a_second(pubsub_host: str) -> None:
    with topic(pubsub_host, PubsubLimits(least=0.0, checkpoint=0.0, in_flight=1)) as exported:
        pulse = SteadyPulse()
        assert exported.sink.deliver(exported.delivery(95), NumberedRows(95), pulse)
    assert pulse.checkpoints == list(range(1, 11))


def test_a_batch_of_many_bytes_is_cut_into_several_requests(exported: Topic) -> None:
    rows = NumberedRows(12, 2_000_000)
    assert exported.sink.deliver(exported.delivery(12, batch_rows=12), rows, SteadyPulse())
    assert sorted(exported.rows()) == list(range(12))


def test_a_row_that_is_too_large_fails_the_job_by_name(exported: Topic) -> None:
    with pytest.raises(RowTooLarge, match=r"Row 0 of chunk 3 \(key key-0\).*10,000,000 bytes"):
        exported.sink.deliver(exported.delivery(1), NumberedRows(1, 10_000_000), SteadyPulse())
    assert exported.rows() == []


def test_a_row_that_just_fits_is_sent(exported: Topic) -> None:
    fits = 10_000_000 - 300
    assert exported.sink.deliver(exported.delivery(1), NumberedRows(1, fits), SteadyPulse())
    assert exported.rows() == [0]


def test_a_row_that_is_too_large_is_left_out_and_named(exported: Topic) -> None:
    class OneLarge(NumberedRows):
        def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[Any]:
            for batch in super().batches(rows_per_batch, first_row):
                yield replace(batch, width=10_000_000) if batch.first_row == 2 else batch

    pulse = SteadyPulse()
    delivery = replace(exported.delivery(5, batch_rows=1), skip_oversized=True)
    assert exported.sink.deliver(delivery, OneLarge(5), pulse)
    assert sorted(exported.rows()) == [0, 1, 3, 4]
    assert pulse.skipped.rows == 1
    assert [row.row for row in pulse.skipped.named] == [2]
    assert pulse.checkpoints == [5]


def test_a_longer_key_than_pubsub_takes_fails_the_job_by_name(exported: Topic) -> None:
    class LongKeys(NumberedRows):
        def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[Any]:
            for batch in super().batches(rows_per_batch, first_row):
                yield LongKeyBatch(batch.first_row, batch.rows, batch.width, keyed=True)

    class LongKeyBatch(NumberedBatch):
        def keys(self) -> list[bytes | None]:
            return [b"k" * 1_025] * self.rows

    with pytest.raises(RowTooLarge, match="an ordering key of Pub/Sub takes: 1,024 bytes"):
        exported.sink.deliver(exported.delivery(1, "token"), LongKeys(1), SteadyPulse())


def test_a_topic_that_is_not_there_fails_the_job(exported: Topic) -> None:
    destination = pubsub("exports", "uid", "projects/some-project/topics/nobodys")
    with pytest.raises(DestinationRefused, match=r"There is no topic projects/some-project/topics/nobodys"):
        exported.sink.deliver(delivery_to(destination, 5), NumberedRows(5), SteadyPulse())


def test_the_services_own_topics_are_no_destination(pubsub_host: str) -> None:
    with (
        topic(pubsub_host, own=lambda _: True) as exported,
        pytest.raises(DestinationRefused, match="the service's own"),
    ):
        exported.sink.deliver(exported.delivery(5), NumberedRows(5), SteadyPulse())


def sink_to(host: str, **limits: Any) -> PubsubSink:
    return PubsubSink(
        publisher_of(host),
        own=lambda _: False,
        monotonic=time.monotonic,
        limits=PubsubLimits(least=0.0, **limits),
    )


@pytest.mark.parametrize(
    ("code", "kind", "told", "calls"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, DestinationRefused, "roles/pubsub.publisher", 1),
        (grpc.StatusCode.INVALID_ARGUMENT, DestinationRefused, "schema", 1),
        (grpc.StatusCode.FAILED_PRECONDITION, DestinationRefused, "takes no messages", 1),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Unavailable, "not available", 2),
        (grpc.StatusCode.UNAVAILABLE, Unavailable, "not available", 2),
        (grpc.StatusCode.UNAUTHENTICATED, Unavailable, "not available", 2),
    ],
)
def test_refusals_and_what_may_pass(code: grpc.StatusCode, kind: type[Any], told: str, calls: int) -> None:
    delivery = delivery_to(pubsub("exports", "uid", "projects/some-project/topics/some-topic"), 5)
    with refusing_grpc(code) as (host, server):
        with pytest.raises(kind, match=told) as caught:
            sink_to(host, tries=2, pause=0.01).deliver(delivery, NumberedRows(5), SteadyPulse())
        assert server.calls == calls
    assert "secret" not in caught.value.message
    assert caught.value.detail.isprintable()
    assert len(caught.value.detail) <= 200


def test_a_topic_that_does_not_answer_may_yet() -> None:
    delivery = delivery_to(pubsub("exports", "uid", "projects/some-project/topics/some-topic"), 5)
    with (
        refusing_grpc(grpc.StatusCode.UNAVAILABLE, threading.Event()) as (host, _),
        pytest.raises(Unavailable),
    ):
        sink_to(host, tries=1, request=0.2).deliver(delivery, NumberedRows(5), SteadyPulse())


def test_a_cancel_does_not_wait_for_an_answer() -> None:
    delivery = delivery_to(pubsub("exports", "uid", "projects/some-project/topics/some-topic"), 5)
    checks: list[float] = []

    def stop() -> None:
        checks.append(time.monotonic())
        if len(checks) > 2:
            raise DeliveryStopped("the job was cancelled")

    hold = threading.Event()
    with refusing_grpc(grpc.StatusCode.UNAVAILABLE, hold) as (host, _):
        with pytest.raises(DeliveryStopped):
            sink_to(host).deliver(delivery, NumberedRows(5), SteadyPulse(on_check=stop))
        assert not hold.is_set()
    assert time.monotonic() - checks[-1] < 5
