"""Accept: record a new job, then ask for it to be staged. Both or neither."""

from collections.abc import Sequence

from shared.errors import RetryLater
from shared.jobs import FilterValue, Job, confirm
from shared.messages import StageJob
from shared.steps.ports import Jobs, Publisher


def accept(job: Job, filter_values: Sequence[FilterValue], *, jobs: Jobs, publisher: Publisher) -> Job:
    """Answer the accepted job; Unavailable if it can't be known that it will run, and then it never does.

    The job is hidden until it is confirmed. If the process dies, or Firestore with it, before the job is
    taken back, the sweep removes it: a client that heard 503 may safely try again.
    """
    try:
        jobs.create(job, filter_values)
        publisher.publish([StageJob(job.organization_id, job.job_id, job.retry)])
        return jobs.change(job.organization_id, job.job_id, confirm)
    except RetryLater:
        if jobs.remove_unclaimed(job):
            raise
        # The staging function has it already, so the message did get through.
        return confirm(job)
