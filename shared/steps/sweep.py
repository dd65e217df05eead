"""Sweep: find jobs that no message will advance, and advance them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from shared.domain import lanes, transitions
from shared.domain.errors import StaleMessage, Unavailable
from shared.domain.events import Events, JobsCensus, JobStalled
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import StageJob, TearDownJob
from shared.steps.finish import Finish
from shared.steps.ports import Clock, Publisher, Unloads, UnloadState
from shared.steps.records import Deliveries, Jobs, Listings


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """Time limits in seconds, except for ``in_flight``.

    ``unconfirmed``: after this time the sweep removes a job that was never confirmed. ``nudge``: how long a
    message may take before the sweep publishes another one. ``stalled``: after this time without progress and
    without an attempt, the sweep publishes chunks again; Pub/Sub's longest backoff is shorter. ``staging``,
    ``job``: a job that stages, or is in flight, for longer fails; each retry restarts both. ``tear_down``:
    like ``nudge``, for a teardown, which retries by itself for that long. ``time``: after this time a sweep
    begins with no further job. ``in_flight``: the most chunks of one organization's jobs that are published
    and not done.
    """

    unconfirmed: float
    nudge: float
    stalled: float
    staging: float
    job: float
    tear_down: float
    time: float
    in_flight: int


@dataclass(slots=True)
class _Queries:
    """Queries Snowflake during one sweep, until it fails to answer once. Each further call would wait as
    long for an answer.
    """

    unloads: Unloads
    answered: bool = True

    def runs(self, query_id: str) -> bool:
        if not self.answered:
            raise Unavailable("Snowflake", detail="it did not answer an earlier call of this sweep")
        try:
            return self.unloads.state(query_id) is UnloadState.RUNNING
        except Unavailable:
            self.answered = False
            raise


@dataclass(frozen=True, slots=True)
class Sweep:
    """The step and its dependencies; ``report`` receives each job that this sweep could not handle.

    ``shuffle`` puts jobs into random order. If there are more jobs than one sweep has time for, every job
    eventually has its turn.
    """

    jobs: Jobs
    deliveries: Deliveries
    listings: Listings
    unloads: Unloads
    publisher: Publisher
    finish: Finish
    limits: SweepLimits
    now: Clock
    shuffle: Callable[[list[Job]], None]
    report: Callable[[Job, Exception], None]
    events: Events

    def run(self) -> int:
        """Handle every job that is not at rest until time runs out. Return the number of handled jobs."""
        began, queries, looked_after = self.now(), _Queries(self.unloads), 0
        active = list(self.jobs.active())
        sharing = Counter(job.organization_id for job in active if _delivers(job))
        for job in self._ordered(active):
            if self._age(began) >= self.limits.time:
                break
            looked_after += 1
            try:
                self._look_after(job, queries, sharing[job.organization_id])
            except Exception as error:  # noqa: BLE001 - an error of one job must not stop the others
                self.report(job, error)
        seen = Counter(job.status for job in active)
        for status in JobStatus:
            self.events(JobsCensus(status=status.value, count=seen[status]))
        return looked_after

    def _ordered(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs in random order, staging jobs last, because Snowflake may answer slowly."""
        self.shuffle(jobs)
        return sorted(jobs, key=lambda job: job.status is JobStatus.STAGING)

    def _look_after(self, job: Job, queries: _Queries, sharing: int) -> None:
        if job.status.is_terminal:
            if self._quiet_for(job) >= self._teardown_pause(job):
                self._publish(job, TearDownJob(job.organization_id, job.job_id))
        elif not job.confirmed:
            if self._age(job.time_created) >= self.limits.unconfirmed:
                self.jobs.remove_unconfirmed(job)
        elif job.status is JobStatus.TRANSPORTING:
            self._look_after_transport(job, sharing)
        elif self._exceeds(job, JobStatus.STAGING, self.limits.staging):
            self._fail(
                job, self.limits.staging, f"The export did not end within {_hours(self.limits.staging)}"
            )
        elif job.paused and (job.attempt is None or job.attempt.query_id is None):
            return
        elif self._quiet_for(job) >= self.limits.nudge and not _query_runs(job, queries):
            self._publish(job, _stage(job))

    def _look_after_transport(self, job: Job, sharing: int) -> None:
        job = self.finish.if_all_delivered(job)
        counts = self.jobs.counts(job)
        if counts is None or counts.chunks_left == 0:
            return
        if self._exceeds(job, JobStatus.TRANSPORTING, self.limits.job):
            message = f"The job did not end within {_hours(self.limits.job)}{self._last_errors(job)}"
            self._fail(job, self.limits.job, message)
        elif job.paused:
            if not job.reconciled and self._quiet_for(job) >= self.limits.tear_down:
                self._publish(job, TearDownJob(job.organization_id, job.job_id), counts.chunks_left)
        elif self._lanes_are_wanted(job, sharing, counts.chunks_left):
            self._publish(job, _stage(job), counts.chunks_left)
        elif counts.chunks_left != job.nudged_left:
            # The job makes progress. Record how far it is, so that the next sweep can compare.
            self._note(job, counts.chunks_left)
        elif self._quiet_for(job) >= self.limits.stalled:
            self._look_after_stalled(job, counts.chunks_left)

    def _look_after_stalled(self, job: Job, left: int) -> None:
        failing, sending = self._is_failing(job), self.deliveries.leased(job)
        if failing or not (sending or self._is_asked_to_wait(job)):
            self.events(JobStalled(organization_id=job.organization_id, job_id=job.job_id, chunks_left=left))
        if failing or sending:
            # Messages still come. New ones would end the delivery in progress, and would begin to count their
            # attempts anew: a job whose destination is gone would never use them up. Waiting for a
            # destination is no fault, so its attempts do begin anew.
            self._note(job, left)
        else:
            self._publish(job, _stage(job), left)

    def _is_failing(self, job: Job) -> bool:
        last = self.jobs.last_failure(job)
        return last is not None and self._age(last) < self.limits.stalled

    def _is_asked_to_wait(self, job: Job) -> bool:
        ends = (self.jobs.asked_to_wait(job, destination.uid) for destination in job.destinations)
        return any(end is not None and end > self.now() for end in ends)

    def _last_errors(self, job: Job) -> str:
        errors = job.told(self.listings.last_errors(job))
        return f" ({errors})" if errors else ""

    def _lanes_are_wanted(self, job: Job, sharing: int, chunks_left: int) -> bool:
        """Return whether the message that opens the job's lanes is overdue, or its share has changed."""
        if job.lanes == 0:
            return self._quiet_for(job) >= self.limits.nudge
        share = lanes.share(self.limits.in_flight, sharing, job.max_parallel_chunks)
        return lanes.worth_reopening(job, share, chunks_left)

    def _exceeds(self, job: Job, status: JobStatus, limit: float) -> bool:
        return job.status is status and job.seconds_at_work(self.now()) >= limit

    def _fail(self, seen: Job, limit: float, message: str) -> None:
        """Fail the job, unless it has been staged, paused or resumed since this sweep read it, and the limit
        is no longer exceeded.
        """
        still = partial(self._exceeds, status=seen.status, limit=limit)
        self.finish.fail(seen.organization_id, seen.job_id, message, retry=seen.retry, still=still)

    def _publish(self, job: Job, message: StageJob | TearDownJob, chunks_left: int | None = None) -> None:
        self._note(job, chunks_left)
        self.publisher.publish(job, [message])

    def _note(self, job: Job, chunks_left: int | None) -> None:
        transition = partial(_first_to_note, seen=job, now=self.now(), chunks_left=chunks_left)
        self.jobs.change(job.organization_id, job.job_id, transition)

    def _teardown_pause(self, job: Job) -> float:
        """Return how long to wait for the teardown. The first teardown message may be lost, so the sweep
        publishes another one soon; after that one, the teardown gets its full time.
        """
        asked = job.time_nudged is not None and job.time_nudged > (job.time_completed or job.time_begun)
        return self.limits.tear_down if asked else self.limits.nudge

    def _quiet_for(self, job: Job) -> float:
        """Return the seconds since the last recorded action for the job."""
        claimed = job.attempt.claimed_at if job.attempt else None
        times = (
            job.time_begun,
            claimed,
            job.time_completed,
            job.time_nudged,
            job.time_paused,
            job.time_resumed,
        )
        return self._age(max(time for time in times if time is not None))

    def _age(self, time: datetime) -> float:
        return (self.now() - time).total_seconds()


def _stage(job: Job) -> StageJob:
    return StageJob(job.organization_id, job.job_id, job.retry, job.resumes)


def _hours(limit: float) -> str:
    return f"{limit / 3600:g} hours"


def _delivers(job: Job) -> bool:
    return job.status is JobStatus.TRANSPORTING and not job.paused


def _query_runs(job: Job, queries: _Queries) -> bool:
    if job.attempt is None or job.attempt.query_id is None or job.attempts == 0:
        # The query is from before the retry. Staging aborts it, so do not wait for it.
        return False
    return queries.runs(job.attempt.query_id)


def _first_to_note(job: Job, *, seen: Job, now: datetime, chunks_left: int | None) -> Job:
    if job.time_nudged != seen.time_nudged or job.status is not seen.status:
        raise StaleMessage("the job has changed, or another sweep has handled it", detail=job.job_id)
    return transitions.nudge(job, now, chunks_left)
