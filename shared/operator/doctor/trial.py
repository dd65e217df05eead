"""One row out of Snowflake and back: each step runs once, for all checks that use it."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud.storage import Client

from shared.adapters.gcs import GcsStagedFiles
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.clients import monotonic, sleep
from shared.domain.chunks import StagedFile
from shared.domain.errors import BackfillError, Unavailable
from shared.operator.doctor.checks import NotAsked
from shared.operator.doctor.once import once, was_asked
from shared.operator.doctor.world import World
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement, copy_statement

# The longest that a session's query may take; the warehouse's own timeout ends an abandoned query.
SECONDS: Final = 20.0
_LIMIT: Final = 60
_FILE_BYTES: Final = 1 << 20
WAITING: Final = "SELECT SYSTEM$WAIT(60)"
PATH: Final = "doctor/"
# One value of each type that columns are staged as, and a raw timestamp, which the unload never stages.
COLUMNS: Final[Mapping[str, str]] = {
    "SMALL": "7::NUMBER(38, 0)",
    "LARGE": "'12345678901234567890123456789012345678'::NUMBER(38, 0)",
    "REAL": "1.5::FLOAT",
    "TEXT": "'doctor'",
    "TRUTH": "TRUE",
    "MOMENT": "'2026-03-01 00:00:00.123456'::TIMESTAMP_NTZ(9)",
}


@dataclass(frozen=True, slots=True)
class Exported:
    query_id: str
    prefix: str
    manifest: list[StagedFile]
    # The content of the first file in the bucket; None: there is none.
    content: bytes | None

    @property
    def parquet(self) -> pq.ParquetFile:
        if self.content is None:
            raise NotAsked("snowflake.unload explains why: there is no file to look at")
        return pq.ParquetFile(pa.BufferReader(self.content))


class Trial:
    def __init__(self, world: World) -> None:
        self._world = world

    @once
    def signed_in(self) -> SnowflakeUnloads:
        """Return a signed-in session."""
        session = self.session()
        session.ask(Statement("SELECT 1"), "doctor", SECONDS)
        return session

    @once
    def unloads(self) -> SnowflakeUnloads:
        """Return the same session, for all later steps."""
        try:
            return self.signed_in
        except BackfillError as error:
            raise NotAsked("snowflake.sign-in explains why: sign-in failed") from error

    def session(self) -> SnowflakeUnloads:
        """Open a new session, as the functions do."""
        return SnowflakeUnloads(
            self._world.snowflake,
            location_stage=self._world.snowflake_stage,
            statement_timeout=_LIMIT,
        )

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.unloads.ask(Statement(text), "doctor", SECONDS)

    @once
    def exported(self) -> Exported:
        """Unload one row like every job, read it from the bucket, and remove it there."""
        prefix = f"{PATH}{uuid.uuid4()}/"
        text = ", ".join(f'{value} AS "{name}"' for name, value in COLUMNS.items())
        source = Statement(f"SELECT {text}")
        copy = copy_statement(source, self._world.snowflake_stage, prefix, _FILE_BYTES)
        client = Client(project=self._world.settings.project)
        files = GcsStagedFiles(client, self._world.bucket)
        query_id = self.unloads.submit(copy, prefix)
        try:
            state = self.until(query_id, lambda state: state is not UnloadState.RUNNING)
            if state is UnloadState.RUNNING:
                raise Unavailable("Snowflake", detail=f"query {query_id} has not ended after {SECONDS:g} s")
            if state is not UnloadState.SUCCEEDED:
                raise self.unloads.failure(query_id)
            manifest = self.unloads.files(query_id)
            name = f"{prefix}{manifest[0].name}" if manifest else prefix
            blob = client.bucket(self._world.bucket).get_blob(name, timeout=SECONDS)
            content = None if blob is None else blob.download_as_bytes(timeout=SECONDS)
        finally:
            with suppress(BackfillError):
                self._end(query_id)
            files.delete(prefix)
        return Exported(query_id, prefix, manifest, content)

    def _end(self, query_id: str) -> None:
        """Abort the query if it still runs. It may write files until it has ended."""
        if self.unloads.state(query_id) is UnloadState.RUNNING:
            self.unloads.abort(query_id)
            self.until(query_id, lambda state: state is not UnloadState.RUNNING)

    def until(
        self, query_id: str, enough: Callable[[UnloadState], bool], seconds: float | None = None
    ) -> UnloadState:
        """Return the query's state once ``enough`` is true, or when the time is over."""
        until = monotonic() + (SECONDS if seconds is None else seconds)
        while not enough(state := self.unloads.state(query_id)) and monotonic() < until:
            sleep(0.1)
        return state

    @once
    def waiting(self) -> str:
        """Return the id of a query that waits for a minute."""
        return self.unloads.submit(Statement(WAITING), "doctor")

    def found_by_another(self, tag: str) -> str | None:
        """Return the query with the tag, as another session finds it; Snowflake may take a moment."""
        with closing(self.session()) as other:
            until = monotonic() + SECONDS
            while (found := other.find(tag)) is None and monotonic() < until:
                sleep(0.5)
            return found

    def close(self) -> None:
        """Abort the running queries, and close the session."""
        if was_asked(self, "signed_in"):
            with suppress(BackfillError):
                if was_asked(self, "waiting"):
                    self.unloads.abort(self.waiting)
            self.unloads.close()
