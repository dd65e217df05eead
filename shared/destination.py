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
    ``batch_rows``: rows of its batches, where it has a number of its own.
    ``key_column``: the column that its rows' keys are taken from, in place of the table's own key column; a
    table that lacks it fails the job.
    """

    owned: bool = False
    marked: bool = False
    undivided: bool = False
    asks_to_wait: bool = False
    batch_rows: int | None = None
    key_column: str | None = None


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
