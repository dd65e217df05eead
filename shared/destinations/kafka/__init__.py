"""The service's own Kafka: one topic for each organization and name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Estate, Kind, Presence, Reader
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import AT_LEAST_ONCE, Traits
from shared.steps.sending import Markers, Sink

if TYPE_CHECKING:
    from shared.destinations.guard import Guard
    from shared.destinations.kafka.forms import Forms
    from shared.destinations.kafka.registry import OwnRegistry, Registries
    from shared.destinations.spec import Spec
    from shared.destinations.webhook.connections import Connections

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
        form=form_of_rows(surroundings),
    )


def form_of_rows(surroundings: Surroundings) -> "Forms":
    """Return the form of rows as destinations ask for it, for both kinds of Kafka."""
    from shared.destinations.kafka.forms import Forms
    from shared.destinations.kafka.registrations import Registrations

    return Forms(lambda: Registrations(_registries(surroundings)))


def presence_of_registry(surroundings: Surroundings) -> Presence:
    """Return the check of the registry that destinations ask for, for both kinds of Kafka."""
    from shared.destinations.kafka.compatibility import RegistryPresence

    return RegistryPresence(_registries(surroundings), surroundings.monotonic)


def _registries(surroundings: Surroundings) -> "Registries":
    from shared.destinations.guard import Guard, system_connect, system_resolve
    from shared.destinations.kafka.registry import Registries

    settings = surroundings.settings
    clients = Guard(system_resolve, system_connect, insecure=settings.allow_insecure_destinations)
    own = operators_registry(settings.schema_registry_url, settings.schema_registry_credentials)
    return Registries(_connections(clients), own, surroundings.secrets)


def operators_registry(url: str, login: Mapping[str, str]) -> "OwnRegistry":
    """Return the registry of the service's operator, which may be in the service's own network."""
    from shared.destinations.guard import Guard, system_connect, system_resolve
    from shared.destinations.kafka.registry import OwnRegistry

    connections = _connections(Guard(system_resolve, system_connect, insecure=True))
    return OwnRegistry(url=url, login=login, connections=connections)


def _connections(guard: "Guard") -> "Connections":
    import ssl

    from shared.destinations.webhook.connections import Connections

    return Connections(
        guard,
        user_agent="backfills/1",
        tls=ssl.create_default_context(),
        what="schema registry",
        receiver="the schema registry",
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
    presence=presence_of_registry,
)
