"""An example kind of destination, which a test copies beside the others: files in a folder."""

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
    from shared.destinations.toy.spec import ToyDestination

    return ToyDestination


def _sink(_surroundings: Surroundings) -> Sink:
    from shared.destinations.toy.sink import ToySink

    return ToySink()


TOY = Kind(name="toy", traits=_traits, spec=_spec, sink=_sink)
