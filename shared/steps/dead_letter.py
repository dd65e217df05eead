"""Dead letter: fail the job of a message that used up its delivery attempts, with the reason."""

from dataclasses import dataclass
from functools import partial

from shared.domain import lanes
from shared.domain.errors import Busy, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob
from shared.steps.find import find_for_message
from shared.steps.finish import Finish
from shared.steps.records import Chunks, Deliveries, Jobs, Listings


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The step and its dependencies."""

    jobs: Jobs
    chunks: Chunks
    deliveries: Deliveries
    listings: Listings
    finish: Finish

    def run(self, message: Message, attempts: int) -> None:
        """Fail the message's job; ``attempts`` is the number of delivery attempts of the message."""
        if isinstance(message, TearDownJob):
            raise StaleMessage("the sweep publishes the teardown message again", detail=message.job_id)
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if isinstance(message, DeliverChunk):
            reason = self._undelivered(job, message, attempts)
        else:
            reason = self._unstaged(job, message, attempts)
        still = partial(_needs, message=message)
        self.finish.fail(message.organization_id, message.job_id, reason, retry=message.retry, still=still)

    def _undelivered(self, job: Job, message: DeliverChunk, attempts: int) -> str:
        if job.attempt is None or job.attempt.attempt_id != message.attempt_id:
            raise StaleMessage("the message belongs to another staging attempt", detail=job.job_id)
        if not _needs(job, message):
            # The job is paused, or was paused or shared anew since. Its next opening publishes the chunk
            # again, in a message that has all its attempts.
            raise StaleMessage("the lane of the message is closed", detail=job.job_id)
        chunk = self.chunks.get(job, message.chunk)
        if chunk is None or chunk.delivered:
            raise StaleMessage("the chunk has been delivered", detail=job.job_id)
        if self.deliveries.leased(job, message.chunk):
            # The message is a duplicate that found the lease taken each time. The lease's holder may succeed.
            raise Busy("the chunk is still being delivered", detail=job.job_id)
        if not self.deliveries.ever_begun(job, message.chunk):
            # Cloud Run had no free instance at any attempt, so the destinations are not at fault. The sweep
            # publishes the chunk again when the job stalls.
            raise StaleMessage("no delivery of the chunk ever began", detail=job.job_id)
        reason = job.told(self.listings.last_errors(job)) or "its destinations did not answer"
        return f"Chunk {message.chunk} could not be delivered in {attempts} attempts ({reason})"

    def _unstaged(self, job: Job, message: StageJob, attempts: int) -> str:
        if not job.confirmed:
            raise StaleMessage("the job was never confirmed; the sweep removes it", detail=job.job_id)
        if not _needs(job, message):
            # A paused job needs no message: the sweep publishes one when its query has ended. Its resume
            # publishes another one, which has all its attempts.
            staging = "resumed since" if job.resumes > message.resumes else job.status.value
            state = "paused" if job.paused else staging
            raise StaleMessage(f"the job is {state}", detail=job.job_id)
        return f"The export could not be started in {attempts} attempts; try again later"


def _needs(job: Job, message: DeliverChunk | StageJob) -> bool:
    """Return whether the job goes on only with this message."""
    if isinstance(message, DeliverChunk):
        return lanes.goes_on(job, message.opening)
    return job.status is JobStatus.STAGING and not job.paused and job.resumes == message.resumes
