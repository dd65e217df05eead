"""Pause and resume: stop a job's deliveries at its client's wish, and have them go on where they were."""

import contextlib
from datetime import datetime
from functools import partial

from shared.domain import jobs as domain
from shared.domain.errors import RetryLater
from shared.domain.jobs import Job
from shared.domain.messages import Message, StageJob, TearDownJob
from shared.steps.find import find_for_client
from shared.steps.kept import Kept, require_deliverable
from shared.steps.ports import Jobs, Publisher


def pause(organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime) -> Job:
    """Answer the paused job; JobUnknown, or StateConflict when it has ended.

    Deliveries under way see it within seconds and stop; chunks' messages that come later are acknowledged
    unhandled. An unload under way goes on.
    """
    find_for_client(organization_id, job_id, jobs=jobs)
    job = jobs.change(organization_id, job_id, partial(domain.pause, now=now))
    if job.num_chunks is not None and not job.reconciled:
        # What Kafka has is found out now: a pause may outlast the markers that tell it.
        _ask(publisher, job, TearDownJob(organization_id, job_id))
    return job


def resume(
    organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime, kept: Kept
) -> Job:
    """Answer the job as it goes on; JobUnknown, or StateConflict when it has ended or it is too late."""
    find_for_client(organization_id, job_id, jobs=jobs)

    def transition(job: Job) -> Job:
        resumed = domain.resume(job, now)
        if job.time_paused is not None and job.num_chunks is not None:
            require_deliverable(job, now, kept, stood_still=job.time_paused, state="paused")
        return resumed

    job = jobs.change(organization_id, job_id, transition)
    if job.time_resumed == now:
        _ask(publisher, job, StageJob(organization_id, job_id, job.retry))
    return job


def _ask(publisher: Publisher, job: Job, message: Message) -> None:
    with contextlib.suppress(RetryLater):
        # The job is as its client wants it whatever happens here: the sweep asks again.
        publisher.publish(job, [message])
