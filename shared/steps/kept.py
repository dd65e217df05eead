"""How long the service keeps what a failed or paused job needs to continue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.destination import Destination
from shared.domain.errors import DestinationRefused, StateConflict
from shared.domain.jobs import Job


@dataclass(frozen=True, slots=True)
class Kept:
    """Retention periods. ``staged_files``: how long after the unload a job may begin to work anew. The bucket
    keeps the files longer, for the time that a job may work. ``markers``, which tell what a destination has
    committed, begins with the first end of deliveries after which it was not recorded.
    """

    staged_files: timedelta
    markers: timedelta


def require_deliverable(job: Job, now: datetime, kept: Kept, *, state: str) -> None:
    """Raise StateConflict if it is too late to deliver the rest of the job, which is about to go on.

    ``state``: its state until now, for the client. The time that the job has worked since its last retry does
    not count for the staged files: it has that much less time to work, so it needs the files no longer.
    """
    worked = timedelta(seconds=job.seconds_at_work(now))
    if now - job.require_attempt().claimed_at - worked > kept.staged_files:
        raise StateConflict(
            f"The job is {state}, and its staged files are gone after {kept.staged_files.days} days: create a"
            " new backfill"
        )
    marked = [str(destination) for destination in job.destinations if destination.traits.marked]
    since = job.unreconciled_since
    if marked and since is not None and now - since > kept.markers:
        raise StateConflict(
            f"The job is {state}, and after {kept.markers.days} days the service can no longer determine"
            f" which of its rows {' and '.join(marked)} has: create a new backfill with another name for it"
        )


def require_known(
    job: Job, destination: Destination, began: datetime, now: datetime, kept: timedelta
) -> None:
    """Raise DestinationRefused if the destination may have a chunk, and no longer its marker.

    ``began``: when the first delivery of the chunk to the destination began. The job's retry or resume came
    in time, but the chunk's turn may come later: its destination may be out of reach, or its lane may have
    left it behind. A delivery also begins if the destination's circuit then keeps it from sending.
    """
    if destination.traits.marked and now - job.unrecorded_since(began) > kept:
        raise DestinationRefused(
            f"The delivery of a chunk to {destination} began so long ago that the service can no longer"
            " determine whether it has the rows: create a new backfill with another name for it"
        )
