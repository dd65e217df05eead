"""Finish: end a job when its last chunk is delivered, or when it can never be."""

from dataclasses import dataclass
from functools import partial

from shared.jobs import Job, JobStatus, complete, fail
from shared.messages import TearDownJob
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, Jobs, Publisher


@dataclass(frozen=True, slots=True)
class Finish:
    """The two ends a job comes to by itself."""

    jobs: Jobs
    publisher: Publisher
    now: Clock

    def if_all_delivered(self, job: Job) -> Job:
        """Complete the job if nothing is left of it; finishing twice changes nothing."""
        counts = self.jobs.counts(job)
        if counts is None or counts.chunks_left > 0:
            return job
        finished = self.jobs.change(job.organization_id, job.job_id, partial(complete, now=self.now()))
        self._ask_for_teardown(finished)
        return finished

    def fail(self, organization_id: str, job_id: str, message: str, *, retry: int) -> Job:
        """Fail the job with a reason for its client, unless all of it has arrived after all."""
        job = self.if_all_delivered(find_for_message(organization_id, job_id, jobs=self.jobs))
        if job.status is JobStatus.COMPLETED:
            return job
        transition = partial(fail, message=message, now=self.now(), retry=retry)
        failed = self.jobs.change(organization_id, job_id, transition)
        self._ask_for_teardown(failed)
        return failed

    def _ask_for_teardown(self, job: Job) -> None:
        if job.status.is_terminal and not job.torn_down:
            self.publisher.publish(job, [TearDownJob(job.organization_id, job.job_id)])
