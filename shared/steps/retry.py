"""Retry: have a failed job go on with only what is not yet delivered."""

import contextlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared import jobs as domain
from shared.errors import RetryLater, StateConflict
from shared.jobs import Job, JobStatus, KafkaDestination
from shared.messages import StageJob, TearDownJob
from shared.steps.find import find_for_client
from shared.steps.ports import Jobs, Publisher


@dataclass(frozen=True, slots=True)
class Kept:
    """How long there is what a retry needs: the staged files, from when their unload was begun; and the
    markers by which Kafka tells what it has, from the failure on.
    """

    staged_files: timedelta
    markers: timedelta


def retry(
    organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime, kept: Kept
) -> Job:
    """Answer the job as it goes on, or completed if nothing was left of it.

    JobUnknown; StateConflict when it has not failed, or when it is too late to go on; TooManyJobs.
    """
    found = find_for_client(organization_id, job_id, jobs=jobs)
    if found.status is JobStatus.FAILED:
        # Looked at beside the change: retries at the same moment may go over the limit by their number.
        jobs.require_room(organization_id)
    counts = jobs.counts(found)
    chunks_left = None if counts is None else counts.chunks_left

    def transition(job: Job) -> Job:
        again = domain.retry(job, now, after=found.retry)
        if again == job:
            return job
        if chunks_left == 0:
            return domain.complete(again, now)
        if chunks_left is not None:
            _require_deliverable(job, now, kept)
        return again

    job = jobs.change(organization_id, job_id, transition)
    with contextlib.suppress(RetryLater):
        # The job goes on whatever happens here: the sweep asks again.
        ended = job.status.is_terminal
        teardown, stage = TearDownJob(organization_id, job_id), StageJob(organization_id, job_id, job.retry)
        publisher.publish(job, [teardown if ended else stage])
    return job


def _require_deliverable(job: Job, now: datetime, kept: Kept) -> None:
    if now - job.require_attempt().claimed_at > kept.staged_files:
        raise StateConflict(
            f"The job is failed, and its staged files are gone, which are kept for {kept.staged_files.days}"
            " days: create a new backfill"
        )
    exactly_once = [
        destination
        for destination in job.destinations
        if isinstance(destination, KafkaDestination) and destination.exactly_once
    ]
    failed_at = job.time_completed or job.time_begun
    if exactly_once and not job.reconciled and now - failed_at > kept.markers:
        raise StateConflict(
            f"The job is failed, and it can't be told any more which rows Kafka has of it, which is known for"
            f" {kept.markers.days} days: create a new backfill, to a topic of another name"
        )
