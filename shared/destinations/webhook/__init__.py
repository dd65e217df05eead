"""HTTP receivers. The service sends them a chunk's rows in batches."""

import random
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Traits
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

_USER_AGENT = "backfills/1"


def _traits(_delivery: str | None, options: Mapping[str, Any]) -> Traits:
    return Traits(asks_to_wait=True, batch_rows=options.get("batch_rows"))


def _spec() -> "type[Spec]":
    from shared.destinations.webhook.spec import WebhookDestination

    return WebhookDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.guard import Guard, system_connect, system_resolve
    from shared.destinations.webhook.connections import Connections
    from shared.destinations.webhook.sink import WebhookLimits, WebhookSink

    insecure = surroundings.settings.allow_insecure_destinations
    return WebhookSink(
        connections=Connections(
            Guard(system_resolve, system_connect, insecure=insecure),
            user_agent=_USER_AGENT,
            tls=ssl.create_default_context(),
        ),
        secrets=surroundings.secrets,
        now=surroundings.now,
        monotonic=surroundings.monotonic,
        sleep=surroundings.sleep,
        nonce=lambda: str(surroundings.new_id()),
        random=random.random,
        limits=WebhookLimits(least=surroundings.least),
    )


WEBHOOK = Kind(name="webhook", traits=_traits, spec=_spec, sink=_sink)
