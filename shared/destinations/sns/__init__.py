"""Topics of Amazon SNS: one message per row."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.destinations.kind import Kind
from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Traits
from shared.steps.sending import Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec


def _traits(_delivery: str | None, _options: Mapping[str, Any]) -> Traits:
    return Traits()


def _spec() -> "type[Spec]":
    from shared.destinations.sns.spec import SnsDestination

    return SnsDestination


def _sink(surroundings: Surroundings) -> Sink:
    from shared.destinations.requests import RequestLimits
    from shared.destinations.sns.clients import Clients
    from shared.destinations.sns.sink import SnsSink

    limits = RequestLimits(least=surroundings.least, in_flight=16)
    return SnsSink(
        clients=Clients(
            surroundings.secrets,
            surroundings.identity_token,
            own_role=surroundings.settings.aws_role_arn,
            now=surroundings.now,
            connections=limits.in_flight,
        ),
        monotonic=surroundings.monotonic,
        sleep=surroundings.sleep,
        random=surroundings.random,
        limits=limits,
    )


SNS = Kind(name="sns", traits=_traits, spec=_spec, sink=_sink)
