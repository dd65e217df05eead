"""How the service uses Kafka's client library, and for how long it waits for what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TUNING: Mapping[str, Any] = {
    "compression.type": "lz4",
    "linger.ms": 20,
    # Half of the default: less of a batch has left the processor's cache when it is compressed, which saves
    # a fifteenth of all CPU time. Five such batches are under way at once to each broker.
    "batch.size": 524_288,
    # Java clients' placement of keys.
    "partitioner": "murmur2_random",
    # Of key and value. What a topic takes is asked of the topic; this only bounds memory.
    "message.max.bytes": 16_777_216,
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


def producing(client: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a producer; those of the ``client`` may tune it, not weaken it."""
    properties = {**TUNING, **client, **CORRECTNESS}
    # A message that is larger than the queue would wait for room in it for ever.
    least = int(properties["message.max.bytes"]) // 1024 + 1
    queue = max(int(properties["queue.buffering.max.kbytes"]), least)
    return {**properties, "queue.buffering.max.kbytes": queue}


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
