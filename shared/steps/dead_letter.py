"""Dead letter: a message used up its attempts, so its job ends, with the reason."""

from dataclasses import dataclass

from shared.domain.errors import Busy, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk, Message, TearDownJob
from shared.steps.find import find_for_message
from shared.steps.finish import Finish
from shared.steps.ports import Chunks, Deliveries, Jobs, Listings


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The step with its parts."""

    jobs: Jobs
    chunks: Chunks
    deliveries: Deliveries
    listings: Listings
    finish: Finish

    def run(self, message: Message, attempts: int) -> None:
        """Fail the message's job; ``attempts`` is how often its handling was tried."""
        if isinstance(message, TearDownJob):
            raise StaleMessage("the sweep asks for the teardown again", detail=message.job_id)
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if isinstance(message, DeliverChunk):
            reason = self._undelivered(job, message, attempts)
        else:
            reason = self._unstaged(job, attempts)
        self.finish.fail(message.organization_id, message.job_id, reason, retry=message.retry)

    def _undelivered(self, job: Job, message: DeliverChunk, attempts: int) -> str:
        if job.attempt is None or job.attempt.attempt_id != message.attempt_id:
            raise StaleMessage("the message is of another staging attempt", detail=job.job_id)
        chunk = self.chunks.get(job, message.chunk)
        if chunk is None or chunk.delivered:
            raise StaleMessage("the chunk has been delivered after all", detail=job.job_id)
        if self.deliveries.leased(job, message.chunk):
            # A duplicate that was turned away too often; whoever sends the chunk may yet succeed.
            raise Busy("the chunk is still being delivered", detail=job.job_id)
        if not self.deliveries.ever_begun(job, message.chunk):
            # Refused for want of instances, each time: that is nothing of its destinations. Once the job
            # stands still, the sweep has the chunk published again.
            raise StaleMessage("no delivery of the chunk ever began", detail=job.job_id)
        progress = self.listings.destinations(job)
        errors = [
            f"{destination.type} {destination.name}: {progress[destination.uid].last_error}"
            for destination in job.destinations
            if progress[destination.uid].last_error
        ]
        reason = "; ".join(errors) or "its destinations did not answer"
        return f"Chunk {message.chunk} could not be delivered in {attempts} attempts ({reason})"

    def _unstaged(self, job: Job, attempts: int) -> str:
        if not job.confirmed:
            raise StaleMessage("the job was never confirmed: the sweep removes it", detail=job.job_id)
        if job.status is not JobStatus.STAGING:
            raise StaleMessage(f"the job is {job.status.value}", detail=job.job_id)
        return f"The export could not be started in {attempts} attempts; try again later"
