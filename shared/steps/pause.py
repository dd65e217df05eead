"""Pause and resume: stop a job's deliveries when its client asks, and continue them where they stopped."""

import contextlib
from datetime import datetime
from functools import partial

from shared.domain import transitions
from shared.domain.errors import RetryLater
from shared.domain.jobs import Job
from shared.domain.messages import Message, StageJob, TearDownJob
from shared.steps.find import find_for_client
from shared.steps.kept import Kept, require_deliverable
from shared.steps.ports import Publisher
from shared.steps.records import Jobs


def pause(organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime) -> Job:
    """Return the paused job. Raises JobUnknown, or StateConflict if the job has ended.

    Deliveries in progress notice the pause within seconds and stop. Chunk messages that arrive later are
    acknowledged without a delivery. An unload in progress continues.
    """
    find_for_client(organization_id, job_id, jobs=jobs)
    job = jobs.change(organization_id, job_id, partial(transitions.pause, now=now))
    if job.num_chunks is not None and not job.reconciled:
        # Find out now what Kafka has, because a pause may last longer than Kafka keeps the markers.
        _ask(publisher, job, TearDownJob(organization_id, job_id))
    return job


def resume(
    organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime, kept: Kept
) -> Job:
    """Return the resumed job. Raises JobUnknown, or StateConflict if it has ended or cannot continue."""
    find_for_client(organization_id, job_id, jobs=jobs)

    def transition(job: Job) -> Job:
        resumed = transitions.resume(job, now)
        if job.time_paused is not None and job.num_chunks is not None:
            require_deliverable(resumed, now, kept, state="paused")
        return resumed

    job = jobs.change(organization_id, job_id, transition)
    if job.time_resumed == now:
        _ask(publisher, job, StageJob(organization_id, job_id, job.retry, job.resumes))
    return job


def _ask(publisher: Publisher, job: Job, message: Message) -> None:
    with contextlib.suppress(RetryLater):
        # The job's new state is stored even if publishing fails: the sweep publishes the message again.
        publisher.publish(job, [message])
