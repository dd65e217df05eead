"""A topic of a client's own or hosted Kafka cluster."""

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kafka import form_of_rows, presence_of_registry
from shared.destinations.kind import Kind, Presence, Reader
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import AT_LEAST_ONCE, Traits
from shared.steps.sending import Markers, Sink

if TYPE_CHECKING:
    from shared.destinations.external_kafka.clusters import Clusters
    from shared.destinations.kafka.settings import KafkaLimits
    from shared.destinations.spec import Spec


def _traits(delivery: str | None, options: Mapping[str, Any]) -> Traits:
    return Traits(
        marked=delivery != AT_LEAST_ONCE,
        undivided=True,
        key_column=options.get("key_column"),
    )


def _spec() -> "type[Spec]":
    from shared.destinations.external_kafka.spec import ExternalKafkaDestination

    return ExternalKafkaDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.external_kafka.sink import ExternalKafkaSink

    return ExternalKafkaSink(_clusters(surroundings), least=surroundings.least)


def _markers(surroundings: Surroundings) -> Markers:
    from shared.destinations.external_kafka.markers import ExternalMarkers

    return ExternalMarkers(_clusters(surroundings))


def _presence(surroundings: Surroundings) -> Presence:
    from shared.destinations.external_kafka.presence import ExternalPresence
    from shared.destinations.kafka.settings import KafkaLimits

    limits = KafkaLimits(least=surroundings.least, topic=2.0, step=5.0)
    return ExternalPresence(_clusters(surroundings, limits), presence_of_registry(surroundings))


def _clusters(surroundings: Surroundings, limits: "KafkaLimits | None" = None) -> "Clusters":
    from shared.destinations.external_kafka.clusters import Clusters
    from shared.destinations.external_kafka.properties import MOST_BYTES, Connections
    from shared.destinations.guard import Guard, system_connect, system_resolve
    from shared.destinations.kafka.settings import TUNING, KafkaLimits
    from shared.destinations.webhook.connections import Connections as HttpConnections

    settings = surroundings.settings
    guard = Guard(system_resolve, system_connect, insecure=settings.allow_insecure_destinations)
    most = settings.kafka_client.get(MOST_BYTES, TUNING[MOST_BYTES])
    return Clusters(
        Connections(guard, surroundings.secrets, most_bytes=int(most)),
        guard,
        HttpConnections(guard, user_agent="backfills/1", tls=ssl.create_default_context()),
        monotonic=surroundings.monotonic,
        limits=limits or KafkaLimits(least=surroundings.least),
        form=form_of_rows(surroundings),
    )


def _reader(surroundings: Surroundings) -> Reader:
    from shared.destinations.external_kafka.reading import reader

    return reader(_clusters(surroundings))


EXTERNAL_KAFKA = Kind(
    name="external_kafka",
    traits=_traits,
    spec=_spec,
    sink=_sink,
    markers=_markers,
    reader=_reader,
    presence=_presence,
)
