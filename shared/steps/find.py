"""Find a job for those who may see it."""

from shared.domain.errors import JobUnknown, StaleMessage
from shared.domain.jobs import Job
from shared.steps.ports import Jobs


def find_for_client(organization_id: str, job_id: str, *, jobs: Jobs) -> Job:
    """The organization's job; JobUnknown also while it is not sure to run."""
    job = jobs.get(organization_id, job_id)
    if job is None or not job.confirmed:
        raise JobUnknown(job_id)
    return job


def find_for_message(organization_id: str, job_id: str, *, jobs: Jobs) -> Job:
    """The job a message speaks of; StaleMessage if there is none."""
    job = jobs.get(organization_id, job_id)
    if job is None:
        raise StaleMessage("the message is of an unknown job", detail=job_id)
    return job
