"""A destination of a job, as far as the steps need to know it.

``shared/destinations/`` holds the fields of each kind and the code that sends to it. The steps never ask
for the kind of a destination. They ask for its traits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a destination's kind and options imply.

    ``owned``: the service owns something there. The service creates it before the first delivery and removes
    it after a cancelled job.
    ``marked``: the destination keeps markers for some days that tell what it has committed.
    ``undivided``: a chunk is sent in one piece, so its delivery starts with the handler's whole time.
    ``asks_to_wait``: the destination may ask the service to wait.
    ``key_column``: the table's column that holds the message keys, if it is not the table's own key column.
    ``key_field``: the field that names it.
    ``batch_rows``: the rows in one batch, if the destination sets its own number.
    """

    owned: bool = False
    marked: bool = False
    undivided: bool = False
    asks_to_wait: bool = False
    key_column: str | None = None
    key_field: str = "key_column"
    batch_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One destination. ``uid`` is the service's name for it; ``delivery`` is what the client gave.

    ``options``: the kind's other fields that the client gave, as JSON types, in the order of the kind's
    fields.
    """

    type: str
    name: str
    uid: str
    delivery: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    traits: Traits

    def __str__(self) -> str:
        return f"{self.type} {self.name}"
