"""Getting a chunk's rows to the broker: the hot loop, and the watch kept beside it."""

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from shared.destinations.kafka_errors import RowTooLarge, is_too_large
from shared.destinations.kafka_names import labels_of
from shared.errors import JobFails, Unavailable
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse

WAIT = 0.25  # seconds for which nothing but the broker is looked at
STALL = 5.0  # seconds without an acknowledgement after which the broker, not the chunk, is to blame


class Refused:
    """A producer's callback: hears of messages that failed, and keeps the first one's error."""

    def __init__(self) -> None:
        self._error: KafkaError | None = None

    def __call__(self, error: KafkaError, _message: object) -> None:
        self._error = self._error or error

    def check(self) -> None:
        """KafkaException if any message is known to have failed."""
        if self._error is not None:
            raise KafkaException(self._error)


class Sending:
    """One chunk's messages on their way; it stops with the job, and before the handler's deadline.

    There is no callback for a message: what failed, and why, is told by the transaction's next step, or
    by the producer's own callback. ``reserve``: seconds of the handler's time that are kept for ending a
    transaction. ``labelled``: each message carries headers that name its row. ``on_stall`` is called while
    nothing is acknowledged, every few seconds, and may raise.
    """

    def __init__(
        self,
        producer: Producer,
        delivery: ChunkDelivery,
        topic: str,
        pulse: Pulse,
        *,
        reserve: float,
        monotonic: Callable[[], float],
        labelled: bool = False,
        on_stall: Callable[[], None] = lambda: None,
    ) -> None:
        self._producer = producer
        self._delivery = delivery
        self._topic = topic
        self._pulse = pulse
        self._reserve = reserve
        self._monotonic = monotonic
        self._labelled = labelled
        self._on_stall = on_stall
        self._waiting = 0
        self._moved_at = self._asked_at = monotonic()

    def send(self, batch: EncodedBatch) -> None:
        """Hand a batch's rows to librdkafka, waiting for room in its queue."""
        produce, message = self._producer.produce, ("", b"")
        try:
            for message in self._messages(batch):
                try:
                    produce(*message)
                except BufferError:
                    self._send_when_there_is_room(message)
        except KafkaException as error:
            if is_too_large(error.args[0]):
                raise RowTooLarge(self._topic, len(message[1]), error.args[0].str()) from error
            raise
        self._producer.poll(0)
        self._look()

    def finish(self) -> None:
        """Wait until every message is acknowledged, or has failed."""
        while self._producer.flush(WAIT) > 0:
            self._look()
        self._look()

    def _messages(self, batch: EncodedBatch) -> Iterator[tuple[Any, ...]]:
        """The batch's rows as the arguments of ``produce`` by their places, which it reads fastest."""
        lines, keys = batch.lines(), batch.keys() or [None] * batch.rows
        if not self._labelled:
            return zip(repeat(self._topic, batch.rows), lines, keys, strict=True)
        headers = labels_of(self._delivery, range(batch.first_row, batch.first_row + batch.rows))
        partition_callbacks_time = (repeat(value, batch.rows) for value in (-1, None, None, 0))
        return zip(
            repeat(self._topic, batch.rows), lines, keys, *partition_callbacks_time, headers, strict=True
        )

    def _send_when_there_is_room(self, message: tuple[Any, ...]) -> None:
        while True:
            self._producer.poll(WAIT)
            self._look()
            try:
                self._producer.produce(*message)
            except BufferError:
                continue
            # Room was made, though the queue is as full as before.
            self._moved_at = self._monotonic()
            return

    def _look(self) -> None:
        self._pulse.check()
        waiting = len(self._producer)
        if waiting != self._waiting:
            self._waiting, self._moved_at = waiting, self._monotonic()
        if self._pulse.seconds_left() < self._reserve:
            raise self._out_of_time()
        now = self._monotonic()
        if now - max(self._moved_at, self._asked_at) > STALL:
            # librdkafka may wait for ever for a topic that was removed with messages on their way.
            self._asked_at = now
            self._on_stall()

    def _out_of_time(self) -> Exception:
        if self._monotonic() - self._moved_at > STALL:
            return Unavailable("Kafka", detail=f"{self._waiting} messages wait for an acknowledgement")
        return JobFails(
            f"A chunk of {self._delivery.rows:,} rows could not be sent to Kafka within the time that one"
            " delivery has; the service's operator needs to set UNLOAD_FILE_BYTES lower",
            detail=f"{self._topic}: {self._waiting} messages were still to be acknowledged",
        )
