"""The service's own Kafka: one topic for each organization and name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Estate, Kind, Reader
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import AT_LEAST_ONCE, Traits
from shared.steps.sending import Markers, Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

_SECONDS = 15.0


def _traits(delivery: str | None, options: Mapping[str, Any]) -> Traits:
    return Traits(
        owned=True,
        marked=delivery != AT_LEAST_ONCE,
        undivided=True,
        key_column=options.get("key_column"),
    )


def _spec() -> "type[Spec]":
    from shared.destinations.kafka.spec import KafkaDestination

    return KafkaDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.kafka.settings import KafkaLimits
    from shared.destinations.kafka.sink import KafkaSink

    return KafkaSink(
        surroundings.settings.kafka_client,
        monotonic=surroundings.monotonic,
        limits=KafkaLimits(least=surroundings.least),
    )


def _markers(surroundings: Surroundings) -> Markers:
    from shared.destinations.kafka.settling import SettledMarkers

    return SettledMarkers(
        surroundings.settings.kafka_client, timeout=_SECONDS, monotonic=surroundings.monotonic
    )


def _estate(surroundings: Surroundings) -> Estate:
    from shared.destinations.kafka.topics import KafkaTopics

    settings = surroundings.settings
    return KafkaTopics(
        settings.kafka_client,
        partitions=settings.kafka_topic_partitions,
        replication=settings.kafka_topic_replication,
        config={},
        timeout=_SECONDS,
        monotonic=surroundings.monotonic,
    )


def _reader(surroundings: Surroundings) -> Reader:
    from shared.destinations.kafka.reading import TopicReader

    return TopicReader(lambda _organization, _destination: surroundings.settings.kafka_client)


KAFKA = Kind(
    name="kafka",
    traits=_traits,
    spec=_spec,
    sink=_sink,
    markers=_markers,
    estate=_estate,
    reader=_reader,
)
