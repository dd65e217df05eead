"""Clients of schema registries on loopback."""

from collections.abc import Mapping
from typing import Any

from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.kafka.registrations import Registrations
from shared.destinations.kafka.registry import OwnRegistry, Registries
from shared.destinations.surroundings import Secrets
from shared.destinations.webhook.connections import Connections
from tests.fakes.trust import usual_tls


def no_secrets(_organization_id: str, name: str) -> bytes:
    raise KeyError(name)


def registrations(secrets: Secrets = no_secrets, **options: Any) -> Registrations:
    """``options``: those of ``registries``."""
    return Registrations(registries(secrets, **options))


def registries(
    secrets: Secrets = no_secrets,
    *,
    insecure: bool = True,
    own: str = "",
    login: Mapping[str, str] | None = None,
) -> Registries:
    """``own``: the operator's registry with its ``login``. ``insecure``: clients' may be local."""
    operators = OwnRegistry(url=own, login=login or {}, connections=_connections(insecure=True))
    return Registries(_connections(insecure=insecure), operators, secrets)


def _connections(*, insecure: bool) -> Connections:
    return Connections(
        Guard(system_resolve, system_connect, insecure=insecure),
        user_agent="test",
        tls=usual_tls(),
        what="schema registry",
        receiver="the schema registry",
    )
