"""What every place has."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.destinations.labels import CHUNK, JOB, ROW

LABELS = (JOB, CHUNK, ROW)
SECONDS = 30.0
"""The limit of one call of a server."""

Endpoints = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A row as it arrived, and its headers or attributes."""

    row: Any
    headers: Mapping[str, Any]

    @property
    def label(self) -> tuple[Any, ...]:
        return tuple(map(self.headers.get, LABELS))


class Place(ABC):
    """One kind of destination of a stack."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    @abstractmethod
    def create(self, name: str) -> dict[str, Any]:
        """Create a job's own place. Return the destination's fields."""

    @abstractmethod
    def arrived(self, name: str, wanted: int) -> Sequence[Message]:
        """Return all messages; if ``wanted`` different ones are not there yet, wait a while for them."""
