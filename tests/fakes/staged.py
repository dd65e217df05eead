"""Moves a job in the fake records to a later state, with the domain's own transitions."""

from datetime import UTC, datetime
from functools import partial

from shared.domain import transitions
from shared.domain.jobs import Attempt, Counts, Job, JobStatus
from tests.fakes.jobs import FakeJobs

LATER = datetime(2026, 5, 1, tzinfo=UTC)
_ATTEMPT = Attempt("attempt-1", LATER)


def stage(
    jobs: FakeJobs,
    job_id: str,
    *,
    chunks: int,
    rows: int,
    organization_id: str = "org123",
    attempt: Attempt = _ATTEMPT,
) -> Job:
    """Commit the manifest; nothing is delivered."""
    claim = partial(transitions.claim, attempt=attempt, previous=None, columns=(), key_column=None)
    jobs.change(organization_id, job_id, claim)
    staged = partial(
        transitions.staged,
        attempt_id=attempt.attempt_id,
        chunks=chunks,
        rows=rows,
        size=rows * 100,
        shards=1,
        now=LATER,
    )
    jobs.stored[organization_id, job_id].counts = Counts(chunks, rows)
    return jobs.change(organization_id, job_id, staged)


def finish(jobs: FakeJobs, job_id: str, status: JobStatus, organization_id: str = "org123") -> Job:
    """End the job."""
    if status is JobStatus.COMPLETED:
        return stage(jobs, job_id, chunks=0, rows=0, organization_id=organization_id)
    fail = partial(transitions.fail, message="There is no such table", now=LATER, retry=0)
    return jobs.change(organization_id, job_id, fail)
