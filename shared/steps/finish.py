"""Finish: complete a job when its last chunk is delivered, or fail it when that is impossible."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from shared.domain.receipt import unbalanced
from shared.domain.transitions import complete, fail
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, Publisher
from shared.steps.records import Jobs


@dataclass(frozen=True, slots=True)
class Finish:
    """Completes a job or fails it."""

    jobs: Jobs
    publisher: Publisher
    now: Clock

    def if_all_delivered(self, job: Job) -> Job:
        """Complete the job if no chunks are left, or fail it if its receipt does not balance. Idempotent."""
        counts = self.jobs.counts(job)
        if counts is None or counts.chunks_left > 0:
            return job
        transition = partial(complete, now=self.now())
        if not job.status.is_terminal and (fault := balance_fault(job, self.jobs)):
            transition = partial(fail, message=fault, now=self.now(), retry=job.retry)
        finished = self.jobs.change(job.organization_id, job.job_id, transition)
        self._ask_for_teardown(finished)
        return finished

    def fail(
        self,
        organization_id: str,
        job_id: str,
        message: str,
        *,
        retry: int,
        still: Callable[[Job], bool] = lambda _job: True,
    ) -> Job:
        """Fail the job with a reason for its client, unless all of its chunks are delivered.

        ``still``: whether the reason holds for the job as it is stored. It is asked in the job's change,
        because the caller may have decided on an older state of the job.
        """
        job = self.if_all_delivered(find_for_message(organization_id, job_id, jobs=self.jobs))
        if job.status is JobStatus.COMPLETED:
            return job

        def transition(job: Job) -> Job:
            return fail(job, message, self.now(), retry=retry) if still(job) else job

        failed = self.jobs.change(organization_id, job_id, transition)
        self._ask_for_teardown(failed)
        return failed

    def _ask_for_teardown(self, job: Job) -> None:
        if job.status.is_terminal and not job.torn_down:
            self.publisher.publish(job, [TearDownJob(job.organization_id, job.job_id)])


def balance_fault(job: Job, jobs: Jobs) -> str | None:
    """Return the client's error message if the receipt of a job without chunks left does not balance."""
    for destination in unbalanced(job, jobs.rows_done(job)):
        chunk = jobs.unequal_chunk(job, destination.uid)
        named = "the whole job" if chunk is None else f"chunk {chunk}"
        return (
            f"The receipt does not balance: for {named}, the rows recorded at {destination} differ from the"
            " rows that Snowflake unloaded. Ask the operator to investigate, and create a new backfill"
        )
    return None
