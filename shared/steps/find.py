"""Find a job for a client, or for a message."""

from shared.domain.errors import JobUnknown, StaleMessage
from shared.domain.jobs import Job
from shared.steps.records import Jobs


def find_for_client(organization_id: str, job_id: str, *, jobs: Jobs) -> Job:
    """Return the organization's job. Raises JobUnknown, also for a job that is not confirmed yet."""
    job = jobs.get(organization_id, job_id)
    if job is None or not job.confirmed:
        raise JobUnknown(job_id)
    return job


def find_for_message(organization_id: str, job_id: str, *, jobs: Jobs) -> Job:
    """Return the message's job. Raises StaleMessage if it does not exist."""
    job = jobs.get(organization_id, job_id)
    if job is None:
        raise StaleMessage("the message belongs to an unknown job", detail=job_id)
    return job
