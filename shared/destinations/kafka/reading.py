"""Reads the rows of a topic, as a consumer that sees only committed rows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from shared.destinations.kafka.errors import is_missing, speaking_of
from shared.destinations.kafka.forms import ID_BYTES, wants_avro
from shared.destinations.kafka.names import topic_at
from shared.destinations.kind import FoundRow, PlaceMissing
from shared.destinations.labels import CHUNK, JOB, ROW
from shared.domain.destination import Destination
from shared.domain.errors import Unavailable

_SECONDS = 30.0  # for one call, and until the next message
_PROPERTIES: Mapping[str, Any] = {
    "group.id": "beam.verify",
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
}

PropertiesOf = Callable[[str, Destination], Mapping[str, Any]]
"""librdkafka's properties by organization and destination."""


class TopicReader:
    """Implements Reader. It joins no group and commits no offset."""

    def __init__(self, properties_of: PropertiesOf, open_consumer: Callable[..., Any] = Consumer) -> None:
        self._properties_of = properties_of
        self._open_consumer = open_consumer

    def name_of(self, organization_id: str, destination: Destination) -> str:
        servers = destination.options.get("bootstrap_servers")
        topic = topic_at(organization_id, destination)
        return f"topic {topic}" if servers is None else f"topic {topic} of {servers}"

    def local_name_of(self, organization_id: str, destination: Destination) -> str:
        return f"topic {topic_at(organization_id, destination)}"

    def owner_of(self, organization_id: str, destination: Destination) -> str:
        """Return the cluster's id. The addresses of one cluster may be written in many ways."""
        topic = topic_at(organization_id, destination)
        properties = {**self._properties_of(organization_id, destination), **_PROPERTIES}
        with speaking_of(topic), closing(self._open_consumer(properties)) as consumer:
            return f"cluster {consumer.list_topics(topic, timeout=_SECONDS).cluster_id}"

    def rows(
        self, organization_id: str, destination: Destination, since: datetime, until: datetime
    ) -> Iterator[FoundRow]:
        topic = topic_at(organization_id, destination)
        properties = {**self._properties_of(organization_id, destination), **_PROPERTIES}
        with speaking_of(topic), closing(self._open_consumer(properties)) as consumer:
            starts, ends = _bounds(consumer, topic, since, until)
            yield from _between(consumer, topic, starts, ends, ID_BYTES if wants_avro(destination) else 0)


def _bounds(
    consumer: Any, topic: str, since: datetime, until: datetime
) -> tuple[dict[int, int], dict[int, int]]:
    """Return, by partition, the offsets of the first message after each of the two times, or of the end."""
    found = consumer.list_topics(topic, timeout=_SECONDS).topics[topic]
    if found.error is not None:
        if is_missing(found.error):
            raise PlaceMissing(f"Kafka topic {topic} does not exist")
        raise KafkaException(found.error)
    starts = _offsets_at(consumer, topic, found.partitions, since)
    ends = _offsets_at(consumer, topic, found.partitions, until)
    return starts, ends


def _offsets_at(consumer: Any, topic: str, partitions: Any, moment: datetime) -> dict[int, int]:
    milliseconds = int(moment.timestamp() * 1000)
    asked = [TopicPartition(topic, partition, milliseconds) for partition in partitions]
    offsets: dict[int, int] = {}
    for told in consumer.offsets_for_times(asked, timeout=_SECONDS):
        if told.error is not None:
            raise KafkaException(told.error)
        offsets[told.partition] = told.offset if told.offset >= 0 else _end(consumer, topic, told.partition)
    return offsets


def _end(consumer: Any, topic: str, partition: int) -> int:
    """Return the offset behind the last committed message."""
    return int(consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_SECONDS)[1])


def _between(
    consumer: Any, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], skip: int
) -> Iterator[FoundRow]:
    left = {partition for partition, start in starts.items() if start < ends[partition]}
    consumer.assign([TopicPartition(topic, partition, starts[partition]) for partition in sorted(left)])
    while left:
        message: Message | None = consumer.poll(_SECONDS)
        if message is None:
            raise Unavailable("Kafka", detail=f"{topic}: no message of partitions {sorted(left)}")
        partition, offset, error = message.partition(), message.offset(), message.error()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                raise KafkaException(error)
            left -= {partition}
        elif partition in left and offset is not None:
            if offset < ends[partition]:
                yield _found(message, skip)
            else:
                left.remove(partition)


def _found(message: Message, skip: int) -> FoundRow:
    """Return the row without so many bytes at its beginning: only a registry can tell a schema's id."""
    key = message.key()
    return FoundRow(
        key.encode() if isinstance(key, str) else key,
        bytes(message.value() or b"")[skip:],
        f"partition {message.partition()}, offset {message.offset()}",
        _label(dict(message.headers() or [])),
    )


def _label(headers: Mapping[str, Any]) -> tuple[str, int, int] | None:
    try:
        return headers[JOB].decode(), int(headers[CHUNK]), int(headers[ROW])
    except (KeyError, ValueError, AttributeError):
        return None
