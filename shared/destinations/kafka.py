"""The Kafka sink: a chunk's rows into the organization's topic, exactly once for `read_committed` readers.

Messages carry no headers: building them took 2 µs of the 4.7 µs that a row then costs in `produce`, and
the readers' rows name themselves by their key (docs/decisions/005-kafka-headers.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, Producer

from shared.destinations.kafka_errors import TopicMissing, meaning, speaking_of
from shared.destinations.kafka_names import topic_of, transaction_of
from shared.destinations.kafka_sending import WAIT, Sending
from shared.destinations.kafka_transaction import Markers, Transaction
from shared.errors import BackfillError, Unavailable
from shared.steps.ports import ChunkDelivery, Pulse, Rows

_TUNING: Mapping[str, Any] = {
    "compression.type": "lz4",
    "linger.ms": 20,
    # Java clients' placement of keys.
    "partitioner": "murmur2_random",
    # librdkafka would take 1 GiB, more than a function has.
    "queue.buffering.max.kbytes": 32_768,
    # That the topic is there is looked up before anything is sent.
    "topic.metadata.propagation.max.ms": 10_000,
}
_CORRECTNESS: Mapping[str, Any] = {
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
    ``batch_rows``: rows encoded at once, which bounds memory beside librdkafka's queue.
    ``step``: for each exchange with a coordinator.
    ``message``: a message not acknowledged for so long means that the broker is out of reach.
    ``topic``: how long a missing topic is looked for; longer than the pulse takes to notice a cancel.
    ``reserve``: of the handler's time, for ending the transaction; a quarter of what is left, if less.
    """

    least: float
    batch_rows: int = 8_192
    step: float = 30.0
    message: float = 60.0
    topic: float = 6.0
    reserve: float = 15.0


class KafkaSink:
    """Fulfils Sink with a transaction for each (chunk, destination)."""

    def __init__(
        self, client: Mapping[str, Any], *, monotonic: Callable[[], float], limits: KafkaLimits
    ) -> None:
        """``client``: librdkafka's properties, ``bootstrap.servers`` at least; they may tune, not weaken."""
        self._client = {**_TUNING, **client, **_CORRECTNESS}
        self._monotonic = monotonic
        self._limits = limits
        self.markers = Markers(
            {**client, "allow.auto.create.topics": False}, timeout=limits.step, monotonic=monotonic
        )

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Commit the chunk's rows to the topic, unless that was done before.

        False when an earlier destination left too little of the handler's time to begin.
        """
        if pulse.seconds_left() < self._limits.least:
            return False
        topic = topic_of(delivery)
        producer = Producer(self._properties(delivery, pulse.seconds_left()))
        reserve = min(self._limits.reserve, pulse.seconds_left() / 4)
        sending = Sending(producer, delivery, topic, pulse, reserve=reserve, monotonic=self._monotonic)
        transaction = Transaction(producer, delivery, timeout=self._limits.step)
        self._require_topic(producer, topic, pulse)
        transaction.fence(pulse)
        # Only now: looked up earlier, the marker could still be set by a sender not yet fenced.
        if self.markers.committed(delivery):
            return True
        transaction.begin()
        try:
            with speaking_of(topic), transaction.telling_why():
                for batch in rows.batches(self._limits.batch_rows):
                    sending.send(batch)
                sending.finish()
                # The marker's request would be repeated for all of its time if the topic is gone.
                self._require_topic(producer, topic, pulse)
                transaction.mark()
        except BaseException as error:
            if leftover := transaction.abort():
                error.add_note(f"the transaction was left open: {leftover}")
            if isinstance(error, TopicMissing):
                self._require_topic(producer, topic, pulse)
                raise Unavailable("Kafka", detail=f"{topic} was gone for a while") from error
            raise
        transaction.commit()
        return True

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
        """TopicMissing if the topic stays missing for a while and the job still wants it.

        The pulse comes first: a topic that was removed because its job ended is no failure.
        """
        began = self._monotonic()
        while True:
            pulse.check()
            problem = _problem_of(topic, producer)
            if problem is None:
                return
            passing = isinstance(problem, Unavailable)
            if not passing and not isinstance(problem, TopicMissing):
                raise problem
            if self._monotonic() - began > (self._limits.step if passing else self._limits.topic):
                raise problem
            producer.poll(WAIT)


def _problem_of(topic: str, producer: Producer) -> BackfillError | None:
    try:
        error = producer.list_topics(topic, timeout=1.0).topics[topic].error
    except KafkaException as unreachable:
        error = unreachable.args[0]
    return None if error is None else meaning(error, topic)
