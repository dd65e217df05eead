"""Retry: continue a failed job with only the undelivered rows."""

import contextlib
from datetime import datetime

from shared.domain import transitions
from shared.domain.errors import RetryLater, StateConflict
from shared.domain.jobs import Job
from shared.domain.messages import StageJob, TearDownJob
from shared.steps.find import find_for_client
from shared.steps.finish import balance_fault
from shared.steps.kept import Kept, require_deliverable
from shared.steps.ports import Publisher
from shared.steps.records import Jobs


def retry(
    organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime, kept: Kept
) -> Job:
    """Return the job in its new state: in flight again, or completed if no chunks were left.

    Raises JobUnknown; StateConflict if the job has not failed or can no longer continue; TooManyJobs. The
    limit comes last: a client that waits for a place must not then hear that its job cannot continue.
    """
    found = find_for_client(organization_id, job_id, jobs=jobs)
    transitions.retry(found, now, after=found.retry)  # refuses most jobs before anything more is read
    counts = jobs.counts(found)
    chunks_left = None if counts is None else counts.chunks_left
    fault = balance_fault(found, jobs) if chunks_left == 0 else None

    def transition(job: Job) -> Job:
        again = transitions.retry(job, now, after=found.retry)
        if again == job:
            return job
        if fault is not None:
            raise StateConflict(f"The job is failed. {fault}")
        if chunks_left == 0:
            return transitions.complete(again, now)
        if chunks_left is not None:
            require_deliverable(again, now, kept, state="failed")
        return again

    if not transition(found).status.is_terminal:
        # This check is outside the change's transaction, so concurrent retries may exceed the limit.
        jobs.require_room(organization_id)
    job = jobs.change(organization_id, job_id, transition)
    with contextlib.suppress(RetryLater):
        # The job continues even if publishing fails: the sweep publishes the message again.
        teardown = TearDownJob(organization_id, job_id)
        stage = StageJob(organization_id, job_id, job.retry, job.resumes)
        publisher.publish(job, [teardown if job.status.is_terminal else stage])
    return job
