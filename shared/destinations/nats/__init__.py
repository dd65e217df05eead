"""Subjects of NATS JetStream: one message per row."""

import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Kind, Presence
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Traits
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.nats.connection import Access
    from shared.destinations.spec import Spec


def _traits(_delivery: str | None, _options: Mapping[str, Any]) -> Traits:
    return Traits()


def _spec() -> "type[Spec]":
    from shared.destinations.nats.spec import NatsDestination

    return NatsDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.nats.sending import NatsLimits
    from shared.destinations.nats.sink import NatsSink

    return NatsSink(
        access=_access(surroundings),
        monotonic=surroundings.monotonic,
        limits=NatsLimits(least=surroundings.least),
    )


def _presence(surroundings: Surroundings) -> Presence:
    from shared.destinations.nats.presence import NatsPresence

    return NatsPresence(access=_access(surroundings), monotonic=surroundings.monotonic)


def _access(surroundings: Surroundings) -> "Access":
    from shared.destinations.guard import Guard, system_connect, system_resolve
    from shared.destinations.nats.connection import Access

    insecure = surroundings.settings.allow_insecure_destinations
    return Access(
        guard=Guard(system_resolve, system_connect, insecure=insecure),
        tls=ssl.create_default_context(),
        insecure=insecure,
        secrets=surroundings.secrets,
    )


NATS = Kind(name="nats", traits=_traits, spec=_spec, sink=_sink, presence=_presence)
