"""The settings and time limits of the Kafka client library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TUNING: Mapping[str, Any] = {
    "compression.type": "lz4",
    "linger.ms": 20,
    # Half of the default, so that more of a batch is still in the processor's cache when it is compressed.
    # This saves a fifteenth of all CPU time. Five such batches are in flight at once to each broker.
    "batch.size": 524_288,
    # Java clients' placement of keys.
    "partitioner": "murmur2_random",
    # Bytes of a message as librdkafka counts them (size_in_client). This only bounds memory; the topic's own
    # limit is read from the topic.
    "message.max.bytes": 16_777_216,
    # librdkafka's default is 1 GiB, more than a function's memory.
    "queue.buffering.max.kbytes": 32_768,
    # The sink checks that the topic exists before it sends anything.
    "topic.metadata.propagation.max.ms": 10_000,
}
CORRECTNESS: Mapping[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    # Otherwise a running producer would create a topic again that was just removed.
    "allow.auto.create.topics": False,
}


def producing(client: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a producer. The ``client``'s properties may tune them but not weaken them."""
    properties = {**TUNING, **client, **CORRECTNESS}
    # A message larger than the queue would wait for room forever.
    least = int(properties["message.max.bytes"]) // 1024 + 1
    queue = max(int(properties["queue.buffering.max.kbytes"]), least)
    return {**properties, "queue.buffering.max.kbytes": queue}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaLimits:
    """Times in seconds.

    ``least``: a delivery that would begin with less of the handler's time left goes into a separate message.
    Otherwise a chunk could fail as too large because another destination used up the time. Half of the
    handler's time works well. ``batch_rows``: rows encoded at once, fewer if they are large. About a megabyte
    of them is still in the processor's cache when it is sent. With eight times as many rows, encoding and
    sending took a fifth more processor time. ``bytes_ahead``: bytes of rows encoded while the transaction is
    being opened, exceeded by at most one batch. ``step``: the limit of each exchange with a coordinator.
    ``message``: if a message is not acknowledged for this long, the broker is out of reach. ``topic``: how
    long to wait for a missing topic; longer than the pulse takes to notice a cancel. ``reserve``: the part of
    the handler's time for ending the transaction; a quarter of the remaining time, if less.
    """

    least: float
    batch_rows: int = 1_024
    bytes_ahead: int = 24 * 1024 * 1024
    step: float = 30.0
    message: float = 60.0
    topic: float = 6.0
    reserve: float = 15.0
