"""Clients of schema registries on loopback."""

import ssl
from collections.abc import Mapping

from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.kafka.registry import OwnRegistry, Registrations
from shared.destinations.surroundings import Secrets
from shared.destinations.webhook.connections import Connections


def no_secrets(_organization_id: str, name: str) -> bytes:
    raise KeyError(name)


def registrations(
    secrets: Secrets = no_secrets,
    *,
    insecure: bool = True,
    own: str = "",
    login: Mapping[str, str] | None = None,
) -> Registrations:
    """``own``: the operator's registry with its ``login``. ``insecure``: clients' may be local."""
    operators = OwnRegistry(url=own, login=login or {}, connections=_connections(insecure=True))
    return Registrations(_connections(insecure=insecure), operators, secrets)


def _connections(*, insecure: bool) -> Connections:
    return Connections(
        Guard(system_resolve, system_connect, insecure=insecure),
        user_agent="test",
        tls=ssl.create_default_context(),
        what="schema registry",
        receiver="the schema registry",
    )
