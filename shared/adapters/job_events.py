"""The events that follow from a stored change of a job."""

from shared.domain.events import JobEnded
from shared.domain.jobs import Job


def end_of(before: Job, after: Job) -> JobEnded | None:
    """Return the event of the job's end if the change ends it. A retry that completes a job at once does."""
    if not after.status.is_terminal or (before.status.is_terminal and before.retry == after.retry):
        return None
    return JobEnded(
        organization_id=after.organization_id,
        job_id=after.job_id,
        status=after.status.value,
        seconds=((after.time_completed or after.time_begun) - after.time_begun).total_seconds(),
        error_message=after.error_message,
    )
