"""The attempts at a job's unload: each is claimed, submitted to Snowflake, and its query recorded.

A run that crashes in between leaves a claim without a query. Later runs find the query by its tag.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared.domain import transitions
from shared.domain.catalog import Catalog, CatalogEntry
from shared.domain.columns import Column
from shared.domain.errors import Busy, JobFails, StaleMessage, UnloadRefused
from shared.domain.jobs import Attempt, Job
from shared.domain.sizes import MOST_BYTES, columns_bytes, stored_bytes
from shared.steps.ports import Clock, Topics, Unloads, UnloadState
from shared.steps.records import Jobs
from shared.unload.columns import find_column
from shared.unload.statements import TableColumn, selected, unload_statement


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """``wait``: seconds to wait for a short unload. ``claim``: seconds after which a run takes over an
    attempt that never recorded a query. ``most_attempts``: the most unloads that may fail for temporary
    reasons.
    """

    wait: float
    claim: float
    most_attempts: int
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """Begins, finds and awaits the attempts of jobs."""

    jobs: Jobs
    topics: Topics
    unloads: Unloads
    catalog: Catalog
    snowflake_stage: str
    limits: AttemptLimits
    now: Clock
    new_id: Callable[[], uuid.UUID]
    sleep: Callable[[float], None]

    def submitted(self, job: Job) -> Job:
        """Return the job with a query in Snowflake, unless another run is submitting it now."""
        attempt = job.attempt
        if attempt is None:
            return self.begin(job)
        if job.attempts == 0:
            self._abandon(job, attempt)
            return self.begin(job)
        just_claimed = (self.now() - attempt.claimed_at).total_seconds() < self.limits.claim
        if attempt.query_id is not None or just_claimed:
            return job
        # The claiming run crashed between submitting and recording the query. Look up the query by its tag.
        query_id = self.unloads.find(job.query_tag)
        return self.begin(job) if query_id is None else self._record_query(job, query_id)

    def _abandon(self, job: Job, attempt: Attempt) -> None:
        """Abort the query of an attempt from before a retry, in case the teardown did not do it."""
        query_id = attempt.query_id or self.unloads.find(job.query_tag)
        if query_id is None:
            return
        self.unloads.abort(query_id)
        if self.wait(query_id) is UnloadState.RUNNING:
            # Until the query has ended it may write files, which must not outlive the job's other files.
            raise Busy("the unload from before the retry is still ending", detail=job.job_id)

    def begin(self, job: Job) -> Job:
        """Claim a new attempt, whose prefix in the bucket is empty, and submit its unload.

        All other requests come before the claim, so that an outage uses up no attempt.
        """
        if job.paused:
            raise StaleMessage("the job is paused: no unload begins", detail=job.job_id)
        if job.attempts >= self.limits.most_attempts:
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
        columns = tuple(one.column for one in selection)
        _require_storable(job, columns)
        attempt = Attempt(str(self.new_id()), self.now())
        transition = partial(
            transitions.claim,
            attempt=attempt,
            previous=job.attempt,
            columns=columns,
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
        job = self.jobs.change(job.organization_id, job.job_id, transition)
        return self._record_query(job, self.unloads.submit(statement, job.query_tag))

    def _record_query(self, job: Job, query_id: str) -> Job:
        attempt_id = job.require_attempt().attempt_id
        try:
            recorded = partial(transitions.record_query, attempt_id=attempt_id, query_id=query_id)
            job = self.jobs.change(job.organization_id, job.job_id, recorded)
        except StaleMessage:
            self.unloads.abort(query_id)
            raise
        if job.status.is_terminal:
            # The job was cancelled or failed during the submission, when its query could not be aborted yet.
            self.unloads.abort(query_id)
            raise StaleMessage(f"the job was {job.status.value} while its unload was submitted")
        return job

    def wait(self, query_id: str) -> UnloadState:
        """Wait for a short unload: most unloads end before the next sweep."""
        state, waited, pause = self.unloads.state(query_id), 0.0, 0.1
        while state is UnloadState.RUNNING and waited < self.limits.wait:
            self.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 1.0)
            state = self.unloads.state(query_id)
        return state


def _key_column(entry: CatalogEntry, columns: Sequence[TableColumn]) -> str | None:
    """Return the catalog's key column if the table has it. A catalog entry covers whole schemas, so a table
    may lack the column, and then its messages have no keys.
    """
    names = {column.field for column in columns}
    return entry.key_column if entry.key_column in names else None


def _require_storable(job: Job, columns: Sequence[Column]) -> None:
    """Raise UnloadRefused if the job's record cannot hold the columns. The API refuses such a choice of
    columns, but it does not know the columns of a table.
    """
    options = stored_bytes([destination.options for destination in job.destinations])
    if columns_bytes(job.chosen, columns) + options > MOST_BYTES:
        raise UnloadRefused(
            f"The names of the {len(columns):,} columns are too long together for the job's record: choose"
            " fewer in `columns`"
        )


def _require_keys(job: Job, columns: Sequence[TableColumn]) -> None:
    """Raise UnloadRefused if the table lacks a column that a destination uses for its message keys."""
    for destination in job.destinations:
        if destination.traits.key_column is not None:
            find_column(columns, destination.traits.key_column, f"the keys of {destination}")
