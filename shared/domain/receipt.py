"""The receipt of a job: what was unloaded, and what each destination has of it.

It is read from the records that deliveries leave anyway; nothing is written for it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.destination import Destination
from shared.domain.errors import StateConflict
from shared.domain.jobs import Job
from shared.domain.oversized import OversizedRow


@dataclass(frozen=True, slots=True)
class DeliveryReceipt:
    """What was done of one chunk at one destination; ``rows`` that arrived, ``skipped`` that were left out.

    Both are 0 until it is done. ``attempts``: how often its delivery was begun.
    """

    uid: str
    rows: int
    skipped: int
    attempts: int
    time_done: datetime | None


@dataclass(frozen=True, slots=True)
class ChunkReceipt:
    """A chunk with its deliveries, in no order.

    ``crc32c``: of the staged file, in Base64 as GCS computed it; None until a delivery has read the file.
    """

    number: int
    name: str
    rows: int
    size: int
    crc32c: str | None
    deliveries: tuple[DeliveryReceipt, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The rows that a destination was not sent: how many, and the first of them with their chunks."""

    rows: int = 0
    named: tuple[tuple[int, OversizedRow], ...] = ()


def require_receipt(job: Job) -> None:
    """StateConflict for a job that has no receipt: not yet, or no longer."""
    if job.num_chunks is None:
        raise StateConflict(f"The job is {job.status.value}, and has no receipt until it is staged")
    if job.records_removed:
        raise StateConflict(f"The job is {job.status.value}, and its receipt is no longer kept")


def unbalanced(job: Job, rows_done: Mapping[str, int]) -> list[Destination]:
    """The destinations that are done with more or fewer rows than were unloaded; ``rows_done`` by their uids,
    rows that were left out included.
    """
    return [one for one in job.destinations if rows_done.get(one.uid, 0) != job.num_rows]
