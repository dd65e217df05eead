"""The parts that a kind of destination provides.

The parts are functions that import their modules when called. A delivery function loads only the clients of
the kinds that its jobs use, and only the API loads the models.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from shared.destinations.surroundings import Surroundings
from shared.domain.destination import Destination, Traits
from shared.domain.errors import RetryLater
from shared.steps.sending import ChunkDelivery, Markers, Sink

if TYPE_CHECKING:
    from shared.destinations.spec import Spec


class Estate(Protocol):
    """The things that the service owns at destinations of a kind: one per destination, identified by name."""

    def name_of(self, organization_id: str, destination: Destination) -> str: ...

    def exists(self, name: str) -> bool: ...

    def create(self, name: str) -> bool:
        """Create the thing if it does not exist. Return True if it did not."""
        ...

    def delete(self, name: str, until: float) -> None:
        """Delete the thing if it exists. Raises Busy after ``until``, in monotonic seconds."""
        ...


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row that a destination has. ``value``: in Avro, without its schema's id. ``place`` describes its
    location for people. ``label``: the job, the
    chunk and the row within the chunk that its headers name, if it has them.
    """

    key: bytes | None
    value: bytes
    place: str
    label: tuple[str, int, int] | None


class PlaceMissing(Exception):  # noqa: N818 - named for what happened
    """A Reader's place does not exist, so it has no rows."""


class Reader(Protocol):
    """Reads the rows that destinations of a kind have."""

    def name_of(self, organization_id: str, destination: Destination) -> str:
        """Return the name of the place to read. Two destinations of one kind that share a place have the
        same name.
        """
        ...

    def local_name_of(self, organization_id: str, destination: Destination) -> str:
        """Return the place's name at its owner. Destinations of any kinds that share a place have both the
        same owner and the same local name.
        """
        ...

    def owner_of(self, organization_id: str, destination: Destination) -> str:
        """Ask the place's owner for its own name."""
        ...

    def rows(
        self, organization_id: str, destination: Destination, since: datetime, until: datetime
    ) -> Iterator[FoundRow]:
        """Yield the rows sent between two times, as consumers see them; PlaceMissing if it is missing."""
        ...


class WouldWait(RetryLater):
    """A job would wait for a destination at this time. An estimate warns of it, and does not try again.

    Operator: nothing, unless it is the service's own schema registry.
    """


class Presence(Protocol):
    """Checks whether a destination exists, before there are rows."""

    def require(self, delivery: ChunkDelivery, until: float) -> None:
        """Raise DestinationRefused if rows could not be sent; RetryLater if that is unknown now. The client
        hears of WouldWait, too.

        ``delivery``: the delivery of a chunk without rows, with its table and columns. ``until``: monotonic
        seconds.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``name`` is the value of a request's ``type``.

    ``traits`` returns a destination's traits from its ``delivery`` and its options.

    ``spec``: the model of its fields. ``sink``: sends chunks to it. ``markers``: for kinds with markers;
    tells which chunks of an ended or paused job a destination has. ``estate``: for kinds where the service
    owns something; at most one kind may have it. ``reader``: for kinds whose rows the service can read.
    ``presence``: for kinds whose destinations clients create and the service can check.
    """

    name: str
    traits: Callable[[str | None, Mapping[str, Any]], Traits]
    spec: "Callable[[], type[Spec]]"
    sink: Callable[[Surroundings], Sink]
    markers: Callable[[Surroundings], Markers] | None = None
    estate: Callable[[Surroundings], Estate] | None = None
    reader: Callable[[Surroundings], Reader] | None = None
    presence: Callable[[Surroundings], Presence] | None = None
