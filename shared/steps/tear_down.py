"""Tear down: stop what an ended job still has running, and remove what it leaves behind.

For a completed job, the step deletes the staged files. For a cancelled job, it aborts the query, and deletes
the files and the topics that no other job ever named. For a failed job, it aborts the query; the files stay
for a retry until the bucket's lifecycle deletes them. For cancelled and failed jobs, the step first records
which chunks have arrived. For a paused job, it does only that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.domain import transitions
from shared.domain.errors import Busy, StaleMessage
from shared.domain.jobs import Job, JobStatus
from shared.domain.messages import TearDownJob
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, StagedFiles, Topics, Unloads, UnloadState
from shared.steps.reconcile import Reconcile
from shared.steps.records import Deliveries, Jobs


@dataclass(frozen=True, slots=True)
class TearDown:
    """The step and its dependencies; ``wait`` is how many seconds one run waits before it is redelivered.

    ``markers_kept``: how long a job's destinations certainly keep the marker of a commit.
    ``receipts_kept``: how long the service keeps a receipt after the job's end; a failed job's receipt at
    least for ``retriable``.
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
        # A delivery in progress may read its file or write to its topic until its lease expires.
        self._until(lambda: not self.deliveries.leased(job), "deliveries are still in progress")
        # What a pause found out is looked up again: a handler that read the job before the pause may have
        # begun after it, and a small chunk is sent before the heartbeat notices. If the destinations do not
        # answer any more, or too late, the pause's answers stand.
        known = job.status is JobStatus.COMPLETED or self._all_recorded(job) or job.reconciled
        if job.status is not JobStatus.FAILED:
            self.files.delete(job.prefix)
        if job.status is JobStatus.CANCELLED:
            for destination in job.destinations:
                if destination.traits.owned:
                    self.topics.remove(job, destination)
        kept = self.receipts_kept
        if job.status is JobStatus.FAILED:
            kept = max(kept, self.retriable)
        transition = partial(transitions.tear_down, retry=job.retry, reconciled=known, records_kept=kept)
        self.jobs.change(job.organization_id, job.job_id, transition)

    def _settle(self, job: Job) -> None:
        """Record what has arrived of a paused job, because the markers may expire during a long pause."""
        since = job.time_paused
        if since is None or job.reconciled or job.num_chunks is None:
            return
        self._until(lambda: not self.deliveries.leased(job), "deliveries are still in progress")
        if self._all_recorded(job):
            transition = partial(transitions.reconcile_pause, since=since)
            self.jobs.change(job.organization_id, job.job_id, transition)

    def _all_recorded(self, job: Job) -> bool:
        """Record what has arrived. Return whether everything is recorded now.

        A chunk without a marker may have arrived so long ago that its marker is gone.
        """
        if job.num_chunks is None:
            return True
        if not self.reconcile.run(job):
            return False
        marked = {destination.uid for destination in job.destinations if destination.traits.marked}
        began = self.deliveries.oldest(job, marked) if marked else None
        return began is None or self.now() - job.unrecorded_since(began) <= self.markers_kept

    def _end_query(self, job: Job) -> None:
        """Abort the unload and wait for its end, because an aborted unload may write files until then."""
        attempt = job.attempt
        if attempt is None or job.num_chunks is not None:
            return
        query_id = attempt.query_id or self.unloads.find(job.query_tag)
        if query_id is None:
            if (self.now() - attempt.claimed_at).total_seconds() < self.claim_limit:
                raise Busy("another run may be submitting the unload", detail=job.job_id)
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
