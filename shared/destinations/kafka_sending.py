"""Getting a chunk's rows to the broker: the hot loop, and the watch kept beside it."""

from collections.abc import Callable

from confluent_kafka import KafkaException, Producer

from shared.destinations.kafka_errors import RowTooLarge, is_too_large
from shared.errors import JobFails, Unavailable
from shared.steps.ports import ChunkDelivery, EncodedBatch, Pulse

WAIT = 0.25  # seconds for which nothing but the broker is looked at
STALL = 5.0  # seconds without an acknowledgement after which the broker, not the chunk, is to blame


class Sending:
    """One chunk's messages on their way; it stops with the job, and before the handler's deadline.

    There is no callback for a message: what failed, and why, is told by the transaction's next step.
    ``reserve``: seconds of the handler's time that are kept for ending a transaction.
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
    ) -> None:
        self._producer = producer
        self._delivery = delivery
        self._topic = topic
        self._pulse = pulse
        self._reserve = reserve
        self._monotonic = monotonic
        self._waiting = 0
        self._moved_at = monotonic()

    def send(self, batch: EncodedBatch) -> None:
        """Hand a batch's rows to librdkafka, waiting for room in its queue."""
        produce, topic = self._producer.produce, self._topic
        lines, keys = batch.lines(), batch.keys()
        line = b""
        try:
            for line, key in zip(lines, [None] * batch.rows if keys is None else keys, strict=True):
                try:
                    produce(topic, line, key)
                except BufferError:
                    self._send_when_there_is_room(line, key)
        except KafkaException as error:
            if is_too_large(error.args[0]):
                raise RowTooLarge(topic, len(line), error.args[0].str()) from error
            raise
        self._producer.poll(0)
        self._look()

    def finish(self) -> None:
        """Wait until every message is acknowledged, or has failed."""
        while self._producer.flush(WAIT) > 0:
            self._look()
        self._look()

    def _send_when_there_is_room(self, line: bytes, key: bytes | None) -> None:
        while True:
            self._producer.poll(WAIT)
            self._look()
            try:
                self._producer.produce(self._topic, line, key)
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

    def _out_of_time(self) -> Exception:
        if self._monotonic() - self._moved_at > STALL:
            return Unavailable("Kafka", detail=f"{self._waiting} messages wait for an acknowledgement")
        return JobFails(
            f"A chunk of {self._delivery.rows:,} rows could not be sent to Kafka within the time that one"
            " delivery has; the service's operator needs to set UNLOAD_FILE_BYTES lower",
            detail=f"{self._topic}: {self._waiting} messages were still to be acknowledged",
        )
