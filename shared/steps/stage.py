"""Stage: start Snowflake's unload of the slice, turn its manifest into chunks, and publish the first chunks.

Each run continues where the last one ended or crashed:

    describe ─ claim an attempt ─ submit ─ record the query ─ wait a little ─ manifest ─ commit ─ open lanes

No function waits while Snowflake works: the run ends, and the sweep publishes another stage message when the
query has ended. A redelivered message of a transporting job opens the job's lanes again, from the undelivered
chunks. While a job is paused, no unload begins; an unload in progress continues up to the manifest.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared.domain import chunks as counting
from shared.domain import lanes, transitions
from shared.domain.catalog import Catalog, CatalogEntry
from shared.domain.errors import Busy, JobFails, LeftToOthers, StaleMessage, Unavailable
from shared.domain.events import Events, UnloadEnded
from shared.domain.jobs import Attempt, Job, JobStatus
from shared.domain.messages import DeliverChunk, StageJob
from shared.steps.find import find_for_message
from shared.steps.ports import Clock, Publisher, Topics, Unloads, UnloadState
from shared.steps.records import Chunks, Jobs
from shared.unload.columns import find_column
from shared.unload.statements import TableColumn, selected, unload_statement

# Seconds. The message often arrives before the write that confirms its job, because publishing comes first.
_CONFIRMING = 2.0


@dataclass(frozen=True, slots=True)
class StagingLimits:
    """``wait``: seconds to wait for a short unload. ``claim``: seconds after which a run takes over an
    attempt that never recorded a query. ``attempts``: the most unloads that may fail for temporary reasons.
    ``in_flight``: the most chunks of one organization's jobs that are published and not done.
    """

    wait: float
    claim: float
    attempts: int
    file_bytes: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The step and its dependencies."""

    jobs: Jobs
    chunks: Chunks
    topics: Topics
    unloads: Unloads
    publisher: Publisher
    catalog: Catalog
    snowflake_stage: str
    limits: StagingLimits
    now: Clock
    new_id: Callable[[], uuid.UUID]
    sleep: Callable[[float], None]
    events: Events

    def run(self, message: StageJob) -> None:
        job = self._confirmed(message)
        if job.retry != message.retry:
            raise StaleMessage("the message belongs to an earlier retry", detail=job.job_id)
        if job.status is JobStatus.STAGING:
            try:
                job = self._unloaded(self._submitted(job))
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

    def _submitted(self, job: Job) -> Job:
        """Return the job with a query in Snowflake, unless another run is submitting it now."""
        attempt = job.attempt
        if attempt is None:
            return self._begin(job)
        if job.attempts == 0:
            self._abandon(job, attempt)
            return self._begin(job)
        just_claimed = (self.now() - attempt.claimed_at).total_seconds() < self.limits.claim
        if attempt.query_id is not None or just_claimed:
            return job
        # The claiming run crashed between submitting and recording the query. Look up the query by its tag.
        query_id = self.unloads.find(job.query_tag)
        return self._begin(job) if query_id is None else self._record_query(job, query_id)

    def _abandon(self, job: Job, attempt: Attempt) -> None:
        """Abort the query of an attempt from before a retry, in case the teardown did not do it."""
        query_id = attempt.query_id or self.unloads.find(job.query_tag)
        if query_id is None:
            return
        self.unloads.abort(query_id)
        if self._wait(query_id) is UnloadState.RUNNING:
            # Until the query has ended it may write files, which must not outlive the job's other files.
            raise Busy("the unload from before the retry is still ending", detail=job.job_id)

    def _begin(self, job: Job) -> Job:
        """Claim a new attempt, whose prefix in the bucket is empty, and submit its unload.

        All other requests come before the claim, so that an outage uses up no attempt.
        """
        if job.paused:
            raise StaleMessage("the job is paused: no unload begins", detail=job.job_id)
        if job.attempts >= self.limits.attempts:
            raise JobFails(
                f"Snowflake could not export the slice in {job.attempts} attempts; try again later"
            )
        for destination in job.destinations:
            if destination.traits.owned:
                self.topics.ensure(job, destination)
        table_columns = self.unloads.describe(job.table)
        entry = self.catalog.entry(job.table)
        key_column = _key_column(entry, table_columns)
        keys = [*job.key_columns, *([key_column] if key_column else [])]
        selection = selected(table_columns, job.chosen, keys)
        _require_keys(job, table_columns)
        attempt = Attempt(str(self.new_id()), self.now())
        transition = partial(
            transitions.claim,
            attempt=attempt,
            previous=job.attempt,
            columns=tuple(one.column for one in selection),
            key_column=key_column,
        )
        claimed = replace(job, attempt=attempt)
        statement = unload_statement(
            job=claimed,
            filter_values=self.jobs.filter_values(job),
            table_columns=table_columns,
            selection=selection,
            location_stage=self.snowflake_stage,
            max_file_bytes=self.limits.file_bytes,
            block_column=entry.block_column,
        )
        job = self._change(job, transition)
        return self._record_query(job, self.unloads.submit(statement, job.query_tag))

    def _record_query(self, job: Job, query_id: str) -> Job:
        attempt_id = job.require_attempt().attempt_id
        try:
            job = self._change(
                job, partial(transitions.record_query, attempt_id=attempt_id, query_id=query_id)
            )
        except StaleMessage:
            self.unloads.abort(query_id)
            raise
        if job.status.is_terminal:
            # The job was cancelled or failed during the submission, when its query could not be aborted yet.
            self.unloads.abort(query_id)
            raise StaleMessage(f"the job was {job.status.value} while its unload was submitted")
        return job

    def _unloaded(self, job: Job) -> Job:
        """Commit the manifest if the query has succeeded. Return the job unchanged while the query runs."""
        query_id = job.require_attempt().query_id
        if query_id is None:
            raise Busy("another run is submitting the unload", detail=job.job_id)
        state = self._wait(query_id)
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

        Raises LeftToOthers if the job has ended, which aborts its unload: a new attempt would create the
        job's topics again after the teardown removed them.
        """
        now = find_for_message(job.organization_id, job.job_id, jobs=self.jobs)
        if now.status is not JobStatus.STAGING:
            raise LeftToOthers(f"the job is {now.status.value}, not staging", detail=job.job_id)
        job = self._begin(replace(job, time_paused=now.time_paused))
        self.publisher.publish(job, [StageJob(job.organization_id, job.job_id, job.retry)])
        return job

    def _wait(self, query_id: str) -> UnloadState:
        """Wait for a short unload: most unloads end before the next sweep."""
        state, waited, pause = self.unloads.state(query_id), 0.0, 0.1
        while state is UnloadState.RUNNING and waited < self.limits.wait:
            self.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 1.0)
            state = self.unloads.state(query_id)
        return state

    def _commit(self, job: Job, query_id: str) -> Job:
        """Write the chunk records first. Then one commit makes them the job's chunks."""
        found = counting.number_files(self.unloads.files(query_id))
        self.chunks.record(job, found)
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
        among = self.jobs.transporting(job.organization_id, self.limits.in_flight)
        share = lanes.share(self.limits.in_flight, among, job.max_parallel_chunks)
        job = self._change(job, partial(lanes.open_lanes, lanes=share, retry=job.retry))
        attempt_id = job.require_attempt().attempt_id
        messages = (
            DeliverChunk(job.organization_id, job.job_id, attempt_id, job.retry, chunk.number, job.opening)
            for chunk in lanes.fronts(self.chunks.undelivered(job), job.lanes)
        )
        self.publisher.publish(job, messages)

    def _change(self, job: Job, transition: Callable[[Job], Job]) -> Job:
        return self.jobs.change(job.organization_id, job.job_id, transition)


def _key_column(entry: CatalogEntry, columns: Sequence[TableColumn]) -> str | None:
    """Return the catalog's key column if the table has it. A catalog entry covers whole schemas, so a table
    may lack the column, and then its messages have no keys.
    """
    names = {column.field for column in columns}
    return entry.key_column if entry.key_column in names else None


def _require_keys(job: Job, columns: Sequence[TableColumn]) -> None:
    """Raise UnloadRefused if the table lacks a column that a destination uses for its message keys."""
    for destination in job.destinations:
        if destination.traits.key_column is not None:
            find_column(columns, destination.traits.key_column, f"the keys of {destination}")
