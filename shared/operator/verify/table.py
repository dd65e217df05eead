"""A job's rows as Snowflake has them now: the slice, unloaded again and encoded as for a delivery."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from shared.destinations.kafka.forms import ID_BYTES, wants_avro
from shared.domain.avro import schema_of
from shared.domain.catalog import Catalog
from shared.domain.chunks import Chunk, number_files
from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, Unavailable
from shared.domain.jobs import Attempt, Job
from shared.steps.ports import Clock, StagedFiles, Unloads, UnloadState
from shared.steps.records import Jobs
from shared.steps.sending import Messages, ReadRows, Rows
from shared.unload.columns import selected
from shared.unload.statements import unload_statement

_PAUSE = 1.0  # seconds between two checks of the query
_ENDING = timedelta(minutes=1)  # for an aborted query
_BATCH = 1_024
_REFUSALS = (BackfillError, GoogleAPIError, GoogleAuthError)

Row = tuple[bytes | None, bytes]
"""A key and a row, in JSON or as a record in Avro."""


@dataclass(frozen=True, slots=True)
class Unloaded:
    """The files of a job's slice, unloaded again under a separate attempt."""

    job: Job
    chunks: tuple[Chunk, ...]
    files: StagedFiles
    read_rows: ReadRows

    def rows(self, destination: Destination) -> Iterator[Row]:
        """Yield the rows in no order, with the keys of the destination's messages."""
        key_column = self.job.staged_key(destination)
        for chunk in self.chunks:
            with self.files.open(self.job.attempt_prefix + chunk.name, chunk.size) as file:
                rows = self.read_rows(file.content, self.job.columns, key_column, chunk)
                messages, skip = self._as_sent(rows, destination)
                for batch in messages.batches(_BATCH):
                    lines = [line[skip:] for line in batch.lines()] if skip else batch.lines()
                    yield from zip(batch.keys() or [None] * batch.rows, lines, strict=True)

    def _as_sent(self, rows: Rows, destination: Destination) -> tuple[Messages, int]:
        """The rows in the destination's form, and how many bytes of each tell the schema's id."""
        if not wants_avro(destination):
            return rows, 0
        fields = [column for column in self.job.columns if not column.hidden]
        return rows.in_avro(schema_of(self.job.table, fields), 0), ID_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Unloads slices again, and removes the staged files at the end. ``tell`` hears of files that remain."""

    jobs: Jobs
    unloads: Unloads
    files: StagedFiles
    read_rows: ReadRows
    catalog: Catalog
    snowflake_stage: str
    file_bytes: int
    new_id: Callable[[], UUID]
    now: Clock
    sleep: Callable[[float], None]
    tell: Callable[[str], object]

    @contextmanager
    def of(self, job: Job) -> Iterator[Unloaded]:
        """Unload the job's slice. Raises the unload's errors, for example if a column no longer exists."""
        entry = self.catalog.entry(job.table)
        table_columns = self.unloads.describe(job.table)
        keys = [*job.key_columns, *([job.key_column] if job.key_column else [])]
        selection = selected(table_columns, job.chosen, keys)
        again = replace(
            job,
            attempt=Attempt(str(self.new_id()), self.now()),
            columns=tuple(one.column for one in selection),
        )
        statement = unload_statement(
            job=again,
            filter_values=self.jobs.filter_values(job),
            table_columns=table_columns,
            selection=selection,
            location_stage=self.snowflake_stage,
            max_file_bytes=self.file_bytes,
            block_column=entry.block_column,
        )
        query_id = self.unloads.submit(statement, again.query_tag)
        try:
            self._wait(query_id)
            found = tuple(number_files(self.unloads.files(query_id)))
            yield Unloaded(again, found, self.files, self.read_rows)
        finally:
            self._clean_up(query_id, again.attempt_prefix)

    def _clean_up(self, query_id: str, prefix: str) -> None:
        """End the unload, and remove its files. A failure must not replace the result of the comparison."""
        ended = deleted = False
        with suppress(*_REFUSALS):
            ended = self._end(query_id)
        with suppress(*_REFUSALS):
            self.files.delete(prefix)
            deleted = True
        if not ended or not deleted:
            # So they do after a crash, and after a submission whose answer was lost.
            self.tell(f"files under {prefix} may stay until the staging bucket's lifecycle removes them")

    def _end(self, query_id: str) -> bool:
        """Return whether the unload has ended. An aborted unload may still write files until then."""
        if self.unloads.state(query_id) is not UnloadState.RUNNING:
            return True
        self.unloads.abort(query_id)
        until = self.now() + _ENDING
        while self.unloads.state(query_id) is UnloadState.RUNNING:
            if self.now() >= until:
                return False
            self.sleep(_PAUSE)
        return True

    def _wait(self, query_id: str) -> None:
        while (state := self.unloads.state(query_id)) is UnloadState.RUNNING:
            self.sleep(_PAUSE)
        if state is UnloadState.FAILED:
            raise self.unloads.failure(query_id)
        if state is not UnloadState.SUCCEEDED:
            raise Unavailable("Snowflake", detail=f"query {query_id} is {state.value}")
