"""The receipt of a job: what was unloaded, and what each destination has received.

It is built from the records that deliveries keep in any case. Nothing is written for the receipt alone.
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
    """One chunk at one destination: the ``rows`` that arrived, and the rows that were ``skipped``.

    Both are 0 until the delivery is done. ``attempts``: how often the delivery began.
    """

    uid: str
    rows: int
    skipped: int
    attempts: int
    time_done: datetime | None


@dataclass(frozen=True, slots=True)
class ChunkReceipt:
    """A chunk with its deliveries, in no particular order.

    ``crc32c``: the staged file's checksum in Base64, as GCS computed it. None until a delivery has read the
    file.
    """

    number: int
    name: str
    rows: int
    size: int
    crc32c: str | None
    deliveries: tuple[DeliveryReceipt, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The rows that were not sent to a destination: their number, and the first of them with their chunks."""

    rows: int = 0
    named: tuple[tuple[int, OversizedRow], ...] = ()


def require_receipt(job: Job) -> None:
    """Raise StateConflict if the job has no receipt yet, or if its receipt is no longer kept."""
    if job.num_chunks is None:
        raise StateConflict(f"The job is {job.status.value}, and has no receipt until it is staged")
    if job.records_removed:
        raise StateConflict(f"The job is {job.status.value}, and its receipt is no longer kept")


def unbalanced(job: Job, rows_done: Mapping[str, int]) -> list[Destination]:
    """Return the destinations that received more or fewer rows than were unloaded.

    ``rows_done``: rows by the destination's uid, including rows that were left out.
    """
    return [one for one in job.destinations if rows_done.get(one.uid, 0) != job.num_rows]
