"""What a kind of destination gives to the service.

Its parts are functions that import when they are called: a delivery loads the clients of the kinds that its
jobs have, and only the API loads the models.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Destination, Traits
from shared.steps.sending import ChunkDelivery, Markers, Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec


class Estate(Protocol):
    """What the service has of its own at destinations of a kind: one thing each, told by its name."""

    def name_of(self, organization_id: str, destination: Destination) -> str: ...

    def exists(self, name: str) -> bool: ...

    def create(self, name: str) -> bool:
        """Have the thing; True if it was not there before."""
        ...

    def delete(self, name: str, until: float) -> None:
        """Remove the thing; one that is gone already is no error. Busy after ``until``, monotonic seconds."""
        ...


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row that a destination has. ``place`` tells people where it is; ``label``: the job, the chunk and the
    row within the chunk that it names itself by, if it does.
    """

    key: bytes | None
    value: bytes
    place: str
    label: tuple[str, int, int] | None


class Reader(Protocol):
    """Reads back what destinations of a kind have."""

    def name_of(self, organization_id: str, destination: Destination) -> str:
        """The name of the place that is read. Two destinations that share a place have the same name."""
        ...

    def rows(
        self, organization_id: str, destination: Destination, since: datetime, until: datetime
    ) -> Iterator[FoundRow]:
        """What readers see of what was sent between two moments; DestinationRefused if it is not there."""
        ...


class Presence(Protocol):
    """Looks whether what rows are sent to is there, before there are rows."""

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """DestinationRefused if rows could not be sent; RetryLater if that can't be told now.

        ``delivery``: of a chunk without rows. ``until``: monotonic seconds.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``name`` is what a request says as ``type``.

    ``traits`` answers what a destination is like, by its ``delivery`` and its options.

    ``spec``: the model of its fields. ``sink``: sends chunks to it. ``markers``: for kinds that keep some,
    tells what they have of a job that has ended or is paused. ``estate``: for kinds where the service has
    something of its own; no more than one may. ``reader``: for kinds whose rows can be read back.
    ``presence``: for kinds whose destinations a client has to make, and that can be looked at.
    """

    name: str
    traits: Callable[[str | None, Mapping[str, Any]], Traits]
    spec: "Callable[[], type[Spec]]"
    sink: Callable[[Surroundings], Sink]
    markers: Callable[[Surroundings], Markers] | None = None
    estate: Callable[[Surroundings], Estate] | None = None
    reader: Callable[[Surroundings], Reader] | None = None
    presence: Callable[[Surroundings], Presence] | None = None
