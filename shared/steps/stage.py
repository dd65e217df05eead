"""Stage: start Snowflake's unload of the slice, turn its manifest into chunks, and publish the first chunks.

Each run continues where the last one ended or crashed:

    describe ─ claim an attempt ─ submit ─ record the query ─ wait a little ─ manifest ─ commit ─ open lanes

No function waits while Snowflake works: the run ends, and the sweep publishes another stage message when the
query has ended. A redelivered message of a transporting job opens the job's lanes again, from the undelivered
chunks. While a job is paused, no unload begins; an unload in progress continues up to the manifest.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from shared.domain import chunks as counting
from shared.domain import lanes, transitions
from shared.domain.errors import Busy, JobFails, LeftToOthers, StaleMessage, Unavailable
from shared.domain.events import Events, UnloadEnded
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import DeliverChunk, StageJob
from shared.steps.attempts import Attempts
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, Publisher, Topics, Unloads, UnloadState
from shared.steps.records import Chunks, Jobs

# Seconds. The message often arrives before the write that confirms its job, because publishing comes first.
_CONFIRMING = 2.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The step and its dependencies.

    ``in_flight``: the most chunks of one organization's jobs that are published and not done.
    """

    jobs: Jobs
    chunks: Chunks
    topics: Topics
    unloads: Unloads
    attempts: Attempts
    publisher: Publisher
    in_flight: int
    now: Clock
    sleep: Callable[[float], None]
    events: Events

    def run(self, message: StageJob) -> None:
        job = self._confirmed(message)
        if job.retry != message.retry:
            raise StaleMessage("the message belongs to an earlier retry", detail=job.job_id)
        if job.status is JobStatus.STAGING:
            try:
                job = self._unloaded(self.attempts.submitted(job))
            except Busy as busy:
                raise LeftToOthers(busy.message, detail=busy.detail) from busy
            except (StaleMessage, JobFails):
                self._take_topics_back(message)
                raise
        if job.status is JobStatus.TRANSPORTING:
            self._open_lanes(job)
        elif job.status is JobStatus.CANCELLED:
            self._take_topics_back(message)

    def _confirmed(self, message: StageJob) -> Job:
        """Return the job once it is confirmed. Until then its client may still get 503, and the job must not
        run.
        """
        waited, pause = 0.0, 0.05
        while not (
            job := find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        ).confirmed:
            if waited >= _CONFIRMING:
                # The process that accepts it may have crashed. Then the sweep removes the job.
                raise Busy("the job is not confirmed yet", detail=job.job_id)
            self.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 0.2)
        return job

    def _take_topics_back(self, message: StageJob) -> None:
        """Remove the topics of a job that was cancelled while this run created them. The teardown does not
        wait for an unclaimed attempt, so it may have looked for the topics too early.
        """
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if job.status is JobStatus.CANCELLED and job.num_chunks is None:
            for destination in job.destinations:
                if destination.traits.owned:
                    self.topics.remove(job, destination)

    def _unloaded(self, job: Job) -> Job:
        """Commit the manifest if the query has succeeded. Return the job unchanged while the query runs."""
        query_id = job.require_attempt().query_id
        if query_id is None:
            raise Busy("another run is submitting the unload", detail=job.job_id)
        state = self.attempts.wait(query_id)
        if state is UnloadState.RUNNING:
            return job
        self._report(job, state)
        if state is UnloadState.SUCCEEDED:
            return self._commit(job, query_id)
        error = self.unloads.failure(query_id) if state is UnloadState.FAILED else Unavailable("Snowflake")
        if not isinstance(error, Unavailable):
            raise error
        return self._unloaded_again(job)

    def _report(self, job: Job, state: UnloadState) -> None:
        attempt = job.require_attempt()
        self.events(
            UnloadEnded(
                organization_id=job.organization_id,
                job_id=job.job_id,
                attempt_id=attempt.attempt_id,
                state=state.value,
                seconds=(self.now() - attempt.claimed_at).total_seconds(),
            )
        )

    def _unloaded_again(self, job: Job) -> Job:
        """Begin another attempt after a temporary failure of the unload, and publish a message for it.

        A paused job forgets the failed attempt, so that the sweep leaves it alone until it is resumed.
        Raises LeftToOthers if the job has ended, which aborts its unload: a new attempt would create the
        job's topics again after the teardown removed them.
        """
        now = find_for_message(job.organization_id, job.job_id, jobs=self.jobs)
        if now.status is not JobStatus.STAGING:
            raise LeftToOthers(f"the job is {now.status.value}, not staging", detail=job.job_id)
        if now.paused:
            now = self._change(job, partial(transitions.give_up, attempt_id=job.require_attempt().attempt_id))
        job = self.attempts.begin(replace(job, time_paused=now.time_paused))
        self.publisher.publish(job, [StageJob(job.organization_id, job.job_id, job.retry, job.resumes)])
        return job

    def _commit(self, job: Job, query_id: str) -> Job:
        """Write the chunk records first. Then one commit makes them the job's chunks."""
        found = self.chunks.record(job, counting.number_files(self.unloads.files(query_id)))
        transition = partial(
            transitions.staged,
            attempt_id=job.require_attempt().attempt_id,
            chunks=len(found),
            rows=sum(chunk.rows for chunk in found),
            size=sum(chunk.size for chunk in found),
            shards=counting.shards_for(len(found)),
            now=self.now(),
        )
        return self.chunks.commit(job, transition, found)

    def _open_lanes(self, job: Job) -> None:
        """Publish the first undelivered chunk of each lane. Deliveries publish the following chunks."""
        among = self.jobs.transporting(job.organization_id, self.in_flight)
        share = lanes.share(self.in_flight, among, job.max_parallel_chunks)
        job = self._change(job, partial(lanes.open_lanes, lanes=share, retry=job.retry))
        attempt_id = job.require_attempt().attempt_id
        messages = (
            DeliverChunk(job.organization_id, job.job_id, attempt_id, job.retry, chunk.number, job.opening)
            for chunk in lanes.fronts(self.chunks.undelivered(job), job.lanes)
        )
        self.publisher.publish(job, messages)

    def _change(self, job: Job, transition: Callable[[Job], Job]) -> Job:
        return self.jobs.change(job.organization_id, job.job_id, transition)
