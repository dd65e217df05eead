"""The form in which a Kafka destination's rows are sent: JSON as they come, or Avro."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from shared.domain.destination import Destination
from shared.steps.sending import ChunkDelivery, Messages, Rows

if TYPE_CHECKING:
    from shared.destinations.kafka.registrations import Registrations

ID_BYTES: Final = 5
"""How many bytes of a message in Avro tell its schema's id."""
Form = Callable[[ChunkDelivery, Rows], Messages]
"""Returns the rows as the delivery's destination wants them."""


def as_json(_delivery: ChunkDelivery, rows: Rows) -> Messages:
    return rows


def wants_avro(destination: Destination) -> bool:
    return isinstance(destination.options.get("format"), Mapping)


class Forms:
    """Implements Form. The first Avro chunk makes the registries' client, and loads its modules."""

    def __init__(self, make: Callable[[], "Registrations"]) -> None:
        self._make = make
        self._made: Registrations | None = None
        self._lock = threading.Lock()

    def __call__(self, delivery: ChunkDelivery, rows: Rows) -> Messages:
        """Raises DestinationRefused or RetryLater if the registry does not register the rows' schema."""
        if not wants_avro(delivery.destination):
            return rows
        with self._lock:
            self._made = self._made or self._make()
        asked = delivery.destination.options["format"]["registry"]
        return rows.in_avro(*self._made.of(delivery, asked))
