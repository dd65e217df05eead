"""Sends a chunk's rows to the broker: the hot loop, and its watch of job, deadline and acknowledgements."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any

from confluent_kafka import Producer

from shared.destinations.kafka.flow import STALL, Flow
from shared.destinations.kafka.names import labels_of
from shared.destinations.kafka.refusals import Refusals, Row
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sizes import all_fit, batch_of_one, size_in_client
from shared.domain.errors import BackfillError, JobFails, RetryLater, Unavailable
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, MessageBatch, Pulse

WAIT = 0.25  # seconds between two checks of the pulse


class Sending:
    """Sends one chunk's messages. It stops with the job, and before the handler's deadline.

    In a transaction, only messages that may be too large for the topic have a callback. The transaction's
    next step reports every other failure and its cause. ``most``: the client's message.max.bytes.
    ``reserve``: seconds of the handler's time to reserve for ending a transaction. ``flow``: the whole
    delivery's. ``labelled``: outside a transaction, each message carries headers that identify its row, and
    reports a failure to ``refusals``. ``on_wait`` is called while waiting for acknowledgements, and
    ``on_stall`` every few seconds without any; both may raise errors.
    """

    def __init__(
        self,
        producer: Producer,
        delivery: ChunkDelivery,
        topic: str,
        pulse: Pulse,
        *,
        room: Room,
        most: int,
        refusals: Refusals,
        reserve: float,
        flow: Flow,
        labelled: bool = False,
        on_wait: Callable[[], None] = lambda: None,
        on_stall: Callable[[], None] = lambda: None,
    ) -> None:
        self.skipped: Skipped = NONE_SKIPPED
        self._producer = producer
        self._delivery = delivery
        self._topic = topic
        self._pulse = pulse
        self._surely = min(room.surely, most)
        self._limit = room.limit(topic)
        self._most = most
        self._refusals = refusals
        self._reserve = reserve
        self._flow = flow
        self._labelled = labelled
        self._on_wait = on_wait
        self._on_stall = on_stall
        self._waiting = 0
        self._asked_at = flow.now()

    def send(self, batch: MessageBatch) -> None:
        """Pass a batch's rows to librdkafka, and wait for room in its queue if necessary."""
        lines, keys = batch.lines(), batch.keys() or [None] * batch.rows
        numbers = range(batch.first_row, batch.first_row + batch.rows)
        if not all_fit(self._surely, batch.size, lines, keys, keys_in_rows=self._delivery.file_is_rows):
            self.send_rows(zip(numbers, lines, keys, strict=True))
            return
        produce = self._producer.produce
        for message in self._messages(numbers, lines, keys):
            try:
                produce(*message)
            except BufferError:
                self._send_when_there_is_room(message)
        self._producer.poll(0)
        self._look()

    def send_rows(self, rows: Iterable[Row]) -> None:
        """Send rows that may be too large, and skip those that certainly are."""
        for number, line, key in rows:
            headers = labels_of(self._delivery, [number])[0] if self._labelled else None
            told = partial(self._refusals.of_batched, number) if self._labelled else None
            if (counted := size_in_client(line, key, headers or ())) > self._most:
                self._leave_out(number, key, counted, self._clients_limit())
                continue
            if (size := batch_of_one(line, key, headers or ())) > self._surely:
                if self._refusals.forbid(number, size):
                    self._leave_out(number, key, size, self._limit)
                    continue
                told = partial(self._refusals.of_row, number, key, size)
            message: tuple[Any, ...] = (self._topic, line, key, -1, told, None, 0, headers)
            try:
                self._producer.produce(*message)
            except BufferError:
                self._send_when_there_is_room(message)
        self._producer.poll(0)
        self._look()

    def finish(self) -> None:
        """Wait until every message is acknowledged, or has failed."""
        while self._producer.flush(WAIT) > 0:
            self._look()
            self._on_wait()
        self._look()

    def _leave_out(self, number: int, key: bytes | None, size: int, limit: SizeLimit) -> None:
        self.skipped += self._delivery.too_large(number, key, size, limit)

    def _clients_limit(self) -> SizeLimit:
        return SizeLimit(
            self._most,
            "the service's Kafka client (its message.max.bytes)",
            "Have the service's operator raise message.max.bytes in KAFKA_CLIENT",
        )

    def _messages(
        self, numbers: range, lines: Sequence[bytes], keys: Sequence[bytes | None]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as positional arguments of ``produce``, the fastest way to pass them."""
        topics = repeat(self._topic, len(numbers))
        if not self._labelled:
            return zip(topics, lines, keys, strict=True)
        headers = labels_of(self._delivery, numbers)
        told = map(partial, repeat(self._refusals.of_batched), numbers)
        partition, other, time = (repeat(value, len(numbers)) for value in (-1, None, 0))
        return zip(topics, lines, keys, partition, told, other, time, headers, strict=True)

    def _send_when_there_is_room(self, message: tuple[Any, ...]) -> None:
        while True:
            self._producer.poll(WAIT)
            self._look()
            try:
                self._producer.produce(*message)
            except BufferError:
                continue
            # The queue made room, although it is as full as before.
            self._flow.moved()
            return

    def _look(self) -> None:
        self._pulse.check()
        waiting = len(self._producer)
        if waiting != self._waiting:
            self._waiting = waiting
            self._flow.moved()
        if self._pulse.seconds_left() < self._reserve:
            raise self._out_of_time()
        now = self._flow.now()
        if now - max(self._flow.moved_at, self._asked_at) > STALL:
            # librdkafka may wait forever for a topic that was removed while messages were in flight.
            self._asked_at = now
            self._on_stall()

    def _out_of_time(self) -> BackfillError:
        """Return the error that ends the delivery. Blame the chunk only if nothing else took the time."""
        waiting = f"{self._topic}: {self._waiting} messages were not acknowledged yet"
        if self._flow.stalled:
            return Unavailable("Kafka", detail=waiting)
        if self._flow.steady:
            return JobFails(
                f"A chunk of {self._delivery.rows:,} rows could not be sent to Kafka within the time that one"
                " delivery has. Have the service's operator lower UNLOAD_FILE_BYTES",
                detail=waiting,
            )
        if self._flow.again:
            return RetryLater(
                "The time for this delivery was over before the chunk was sent, because Kafka topic"
                f" {self._topic} refused rows or batches as too large. If this lasts, raise the topic's"
                " max.message.bytes, or have the service's operator lower UNLOAD_FILE_BYTES",
                detail=waiting,
            )
        return Unavailable("Kafka", detail=f"{waiting}, after long stalls")


def name_skipped(skipped: Skipped, delivery: ChunkDelivery, pulse: Pulse) -> None:
    """Record the skipped rows, unless they are recorded already."""
    if skipped != delivery.skipped:
        pulse.checkpoint(delivery.first_batch, skipped)
