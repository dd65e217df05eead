"""A destination of a job, as far as the steps have to know it.

What a kind of destination takes and how it is sent to stands in ``shared/destinations/``; the steps ask for
no kind, only for what a destination is like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What follows from a destination's kind and options.

    ``owned``: the service has something of its own there, which it creates before the first delivery and
    removes after a cancelled job.
    ``marked``: what it has committed is told by markers that it keeps for some days.
    ``undivided``: a chunk is sent in one piece, so it needs the handler's time before others use it up.
    ``asks_to_wait``: it may ask to be left alone for some time.
    ``key_column``: the table's column whose values are its messages' keys, where it does not take the
    table's own.
    ``batch_rows``: rows of its batches, where it has a number of its own.
    """

    owned: bool = False
    marked: bool = False
    undivided: bool = False
    asks_to_wait: bool = False
    key_column: str | None = None
    batch_rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """``uid`` is the service's name for it; ``delivery`` as it was given.

    ``options``: what else was given, of JSON's types, under the names and in the order of the kind's fields.
    """

    type: str
    name: str
    uid: str
    delivery: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    traits: Traits

    def __str__(self) -> str:
        return f"{self.type} {self.name}"
