"""Cancel: end a job when its client asks. The staging function then removes what the job leaves behind."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.domain import transitions
from shared.domain.errors import RetryLater
from shared.domain.jobs import Job
from shared.domain.messages import Message, TearDownJob
from shared.steps.find import find_for_client
from shared.steps.finish import Finish
from shared.steps.ports import Publisher
from shared.steps.records import Jobs


def cancel(organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime) -> Job:
    """Return the cancelled job. Raises JobUnknown, or StateConflict if the job is completed or failed.

    A job with no chunks left to deliver is completed first, which raises StateConflict.
    """
    job = find_for_client(organization_id, job_id, jobs=jobs)
    publisher = _IfItAnswers(publisher)
    if not job.status.is_terminal:
        job = Finish(jobs, publisher, lambda: now).if_all_delivered(job)
    transitions.cancel(job, now)  # refuses an ended job without another read, which could fail
    job = jobs.change(organization_id, job_id, partial(transitions.cancel, now=now))
    if not job.torn_down:
        publisher.publish(job, [TearDownJob(organization_id, job_id)])
    return job


@dataclass(frozen=True, slots=True)
class _IfItAnswers:
    """Implements the port Publisher. The job has ended even if publishing fails: the sweep publishes the
    message again.
    """

    publisher: Publisher

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        with contextlib.suppress(RetryLater):
            self.publisher.publish(job, messages)
