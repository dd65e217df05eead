"""Topics of Amazon SNS, which get a message a row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destination import Traits
from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec

_BATCH_ROWS = 100
"""Between two records of progress, and in memory at once: rows have 256 KiB at most."""


def _traits(_delivery: str | None, _options: Mapping[str, Any]) -> Traits:
    return Traits(batch_rows=_BATCH_ROWS)


def _spec() -> "type[Spec]":
    from shared.destinations.sns.spec import SnsDestination

    return SnsDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.sns.access import Accesses
    from shared.destinations.sns.clients import Clients
    from shared.destinations.sns.sink import SnsLimits, SnsSink

    settings = surroundings.settings
    limits = SnsLimits(least=surroundings.least)
    return SnsSink(
        accesses=Accesses(
            Clients(connections=limits.in_flight, seconds=limits.request),
            secrets=surroundings.secrets,
            identity_token=surroundings.identity_token,
            own_role=settings.aws_role_arn,
            now=surroundings.now,
            insecure=settings.allow_insecure_destinations,
        ),
        monotonic=surroundings.monotonic,
        sleep=surroundings.sleep,
        random=surroundings.random,
        limits=limits,
    )


SNS = Kind(name="sns", traits=_traits, spec=_spec, sink=_sink)
