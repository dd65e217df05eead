"""The Kafka sink: a chunk's rows into the organization's topic, exactly once for `read_committed` readers.

Messages carry no headers then: with job, chunk and row on each, producing took 1.5 times the processor time
(5.9 µs a row instead of 3.7, lz4, idempotent), more than the throughput bar leaves room for. At least once
they do, since nothing else would tell a repeated row from another.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from shared.destinations.kafka_errors import speaking_of
from shared.destinations.kafka_markers import Markers
from shared.destinations.kafka_names import topic_of, transaction_of
from shared.destinations.kafka_presence import require_topic
from shared.destinations.kafka_sending import Refused, Sending
from shared.destinations.kafka_transaction import Transaction
from shared.destinations.read_ahead import ReadAhead
from shared.jobs import KafkaDestination
from shared.steps.sending import ChunkDelivery, Pulse, Rows

TUNING: Mapping[str, Any] = {
    "compression.type": "lz4",
    "linger.ms": 20,
    # Half of the default: less of a batch has left the processor's cache when it is compressed, which saves
    # a fifteenth of all CPU time. Five such batches are under way at once to each broker.
    "batch.size": 524_288,
    # Java clients' placement of keys.
    "partitioner": "murmur2_random",
    # librdkafka would take 1 GiB, more than a function has.
    "queue.buffering.max.kbytes": 32_768,
    # That the topic is there is looked up before anything is sent.
    "topic.metadata.propagation.max.ms": 10_000,
}
CORRECTNESS: Mapping[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    # A producer in flight would bring back a topic that was just removed.
    "allow.auto.create.topics": False,
}
_LONGEST_TRANSACTION = 900.0  # seconds; transaction.max.timeout.ms of a broker by default
_SHORTEST_TRANSACTION = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaLimits:
    """Times in seconds.

    ``least``: a delivery that begins with less of the handler's time goes in a message of its own, lest a
    chunk be called too large for what another destination used up. Half of the handler's time is right.
    ``batch_rows``: rows encoded at once. About a megabyte of them is still in the processor's cache when
    it is sent: with eight times as many, encoding and sending took a fifth more of its time.
    ``bytes_ahead``: of rows that are encoded while the transaction is being opened, one batch more at most.
    ``step``: for each exchange with a coordinator.
    ``message``: a message not acknowledged for so long means that the broker is out of reach.
    ``topic``: how long a missing topic is looked for; longer than the pulse takes to notice a cancel.
    ``reserve``: of the handler's time, for ending the transaction; a quarter of what is left, if less.
    """

    least: float
    batch_rows: int = 1_024
    bytes_ahead: int = 24 * 1024 * 1024
    step: float = 30.0
    message: float = 60.0
    topic: float = 6.0
    reserve: float = 15.0


class KafkaSink:
    """Fulfils Sink with a transaction for each (chunk, destination), or without where that was asked for."""

    def __init__(
        self, client: Mapping[str, Any], *, monotonic: Callable[[], float], limits: KafkaLimits
    ) -> None:
        """``client``: librdkafka's properties, ``bootstrap.servers`` at least; they may tune, not weaken."""
        self._client = {**TUNING, **client, **CORRECTNESS}
        self._monotonic = monotonic
        self._limits = limits
        self.markers = Markers(client, timeout=limits.step, monotonic=monotonic)

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Commit the chunk's rows to the topic, unless that was done before; or send them once more, if at
        least once is enough.

        False when an earlier destination left too little of the handler's time to begin.
        """
        if not isinstance(delivery.destination, KafkaDestination):
            raise TypeError(f"not a topic: {delivery.destination.type}")
        if pulse.seconds_left() < self._limits.least:
            return False
        if delivery.destination.exactly_once:
            self._commit(delivery, rows, pulse)
        else:
            self._send(delivery, rows, pulse)
        return True

    def _commit(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        topic = topic_of(delivery)
        reserve = min(self._limits.reserve, pulse.seconds_left() / 4)
        ahead = ReadAhead(rows.batches(self._limits.batch_rows), pulse)
        # Opening is to wait for the brokers: for so long this thread encodes.
        with ThreadPoolExecutor(1, "kafka-opening") as beside:
            opening = beside.submit(self._opened, delivery, topic, pulse)
            ahead.fill(self._limits.bytes_ahead, enough=opening.done)
        opened = opening.result()
        if opened is None:
            return
        producer, transaction = opened
        with _aborting(transaction), speaking_of(topic), transaction.telling_why():
            sending = Sending(
                producer,
                delivery,
                topic,
                pulse,
                reserve=reserve,
                monotonic=self._monotonic,
                on_stall=lambda: self._require_topic(producer, topic, pulse),
            )
            for batch in ahead:
                sending.send(batch)
            sending.finish()
            # A commit to a topic that is gone would be taken for rows that arrived.
            self._require_topic(producer, topic, pulse)
        transaction.commit()

    def _opened(
        self, delivery: ChunkDelivery, topic: str, pulse: Pulse
    ) -> tuple[Producer, Transaction] | None:
        """Begin the chunk's transaction, its marker included; None if it was committed before."""
        with self.markers.of(delivery) as marker:
            producer = Producer(self._properties(delivery, pulse.seconds_left()))
            transaction = Transaction(producer, delivery, timeout=self._limits.step)
            self._require_topic(producer, topic, pulse)
            # Asked a second time, the client is connected to a broker by its number. Before that, fencing
            # waits for half a second every third time: librdkafka looks again for the coordinator then.
            self._require_topic(producer, topic, pulse)
            transaction.fence(pulse)
            # Only now: looked up earlier, the marker could still be set by a sender not yet fenced.
            if marker.committed():
                return None
        transaction.begin()
        # Before the rows, so that nothing is left to do behind them but to commit.
        with _aborting(transaction), speaking_of(topic):
            transaction.mark()
        return producer, transaction

    def _send(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        topic, refused = topic_of(delivery), Refused()
        message = min(self._limits.message, max(1.0, pulse.seconds_left()))
        producer = Producer(
            {
                **self._client,
                "message.timeout.ms": int(message * 1000),
                "delivery.report.only.error": True,
                "on_delivery": refused,
            }
        )
        sending = Sending(
            producer, delivery, topic, pulse, reserve=0.0, monotonic=self._monotonic, labelled=True
        )
        self._require_topic(producer, topic, pulse)
        try:
            with speaking_of(topic):
                for batch in rows.batches(self._limits.batch_rows):
                    sending.send(batch)
                    refused.check()
                sending.finish()
                refused.check()
        except BaseException:
            # What is still queued would else be sent on while the producer is being destroyed.
            producer.purge()
            raise

    def _properties(self, delivery: ChunkDelivery, seconds_left: float) -> dict[str, Any]:
        transaction = min(_LONGEST_TRANSACTION, max(_SHORTEST_TRANSACTION, seconds_left))
        return {
            **self._client,
            "transactional.id": transaction_of(delivery),
            # While open it holds back every reader of the topic, so not longer than a handler lives.
            "transaction.timeout.ms": int(transaction * 1000),
            "message.timeout.ms": int(min(self._limits.message, transaction) * 1000),
        }

    def _require_topic(self, producer: Producer, topic: str, pulse: Pulse) -> None:
        require_topic(
            producer,
            topic,
            pulse,
            missing_for=self._limits.topic,
            unreachable_for=self._limits.step,
            monotonic=self._monotonic,
        )


@contextmanager
def _aborting(transaction: Transaction) -> Iterator[None]:
    """Take the transaction back if anything goes wrong."""
    try:
        yield
    except BaseException as error:
        if leftover := transaction.abort():
            error.add_note(f"the transaction was left open: {leftover}")
        raise
