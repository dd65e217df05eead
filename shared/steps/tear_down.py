"""Tear down: remove what an ended job leaves behind, and stop what it still has running.

Of a paused job, only what has arrived is recorded.

Completed: its staged files. Cancelled: the query, the files, and the topics that only it ever named.
Failed: the query; its files stay for a retry until the bucket's lifecycle takes them. What has arrived of
a job that ended before its time is recorded first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.domain import jobs as domain
from shared.domain.errors import Busy, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, Deliveries, Jobs, StagedFiles, Topics, Unloads, UnloadState
from shared.steps.reconcile import Reconcile


@dataclass(frozen=True, slots=True)
class TearDown:
    """The step with its parts; ``wait`` is how long one run waits, in seconds, before it comes again.

    ``markers_kept``: how long after a job's end its destinations surely tell what they have of it.
    ``receipts_kept``: how long its receipt is kept after its end; a failed job's for ``retriable`` at least.
    """

    jobs: Jobs
    deliveries: Deliveries
    unloads: Unloads
    files: StagedFiles
    topics: Topics
    reconcile: Reconcile
    markers_kept: timedelta
    receipts_kept: timedelta
    retriable: timedelta
    wait: float
    claim_limit: float
    now: Clock
    sleep: Callable[[float], None]

    def run(self, message: TearDownJob) -> None:
        job = find_for_message(message.organization_id, message.job_id, jobs=self.jobs)
        if job.paused:
            self._settle(job)
            return
        if not job.status.is_terminal:
            raise StaleMessage(f"the job is {job.status.value}: nothing to tear down", detail=job.job_id)
        if job.torn_down:
            return
        self._end_query(job)
        # A delivery under way may still read its file or write to its topic, for a lease at most.
        self._until(lambda: not self.deliveries.leased(job), "deliveries are still under way")
        told = job.status is JobStatus.COMPLETED or self.reconcile.run(job)
        if job.status is not JobStatus.FAILED:
            self.files.delete(job.prefix)
        if job.status is JobStatus.CANCELLED:
            for destination in job.destinations:
                if destination.traits.owned:
                    self.topics.remove(job, destination)
        in_time = self.now() - (job.time_completed or job.time_begun) <= self.markers_kept
        kept = self.receipts_kept
        if job.status is JobStatus.FAILED:
            kept = max(kept, self.retriable)
        transition = partial(
            domain.tear_down, retry=job.retry, reconciled=told and in_time, records_kept=kept
        )
        self.jobs.change(job.organization_id, job.job_id, transition)

    def _settle(self, job: Job) -> None:
        """Record what has arrived of a paused job, which could not be told any more after a long pause."""
        since = job.time_paused
        if since is None or job.reconciled or job.num_chunks is None:
            return
        self._until(lambda: not self.deliveries.leased(job), "deliveries are still under way")
        told = self.reconcile.run(job)
        if told and self.now() - since <= self.markers_kept:
            transition = partial(domain.reconcile_pause, since=since)
            self.jobs.change(job.organization_id, job.job_id, transition)

    def _end_query(self, job: Job) -> None:
        """Abort the unload and wait for its end: an aborted one may write files until then."""
        attempt = job.attempt
        if attempt is None or job.num_chunks is not None:
            return
        query_id = attempt.query_id or self.unloads.find(job.query_tag)
        if query_id is None:
            if (self.now() - attempt.claimed_at).total_seconds() < self.claim_limit:
                raise Busy("the unload may just be being submitted", detail=job.job_id)
            return
        if self.unloads.state(query_id) is UnloadState.RUNNING:
            self.unloads.abort(query_id)
            self._until(
                lambda: self.unloads.state(query_id) is not UnloadState.RUNNING, "the unload is still ending"
            )

    def _until(self, done: Callable[[], bool], otherwise: str) -> None:
        waited = 0.0
        while not done():
            if waited >= self.wait:
                raise Busy(otherwise)
            self.sleep(0.25)
            waited += 0.25
