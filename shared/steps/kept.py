"""For how long there is what a job needs to go on after it stood still."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.errors import StateConflict
from shared.domain.jobs import Job


@dataclass(frozen=True, slots=True)
class Kept:
    """How long there are staged files, from when their unload was begun; and the markers by which
    destinations tell what they have, from when deliveries ended.
    """

    staged_files: timedelta
    markers: timedelta


def require_deliverable(job: Job, now: datetime, kept: Kept, *, stood_still: datetime, state: str) -> None:
    """StateConflict when it is too late to deliver what is left; ``state`` is the job's, for the client."""
    if now - job.require_attempt().claimed_at > kept.staged_files:
        raise StateConflict(
            f"The job is {state}, and its staged files are gone, which are kept for {kept.staged_files.days}"
            " days: create a new backfill"
        )
    marked = [str(destination) for destination in job.destinations if destination.traits.marked]
    if marked and not job.reconciled and now - stood_still > kept.markers:
        raise StateConflict(
            f"The job is {state}, and it can't be told any more which of its rows {' and '.join(marked)} has,"
            f" which is known for {kept.markers.days} days: create a new backfill, with another name for it"
        )
