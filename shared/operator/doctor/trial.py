"""One row's way out of Snowflake and back: each step once, for all checks that look at it."""

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

# What a session may ask at most; an abandoned question ends by the warehouse's own clock.
SECONDS: Final = 20.0
_LIMIT: Final = 60
_FILE_BYTES: Final = 1 << 20
WAITING: Final = "SELECT SYSTEM$WAIT(60)"
PATH: Final = "doctor/"
# A row of the types that a table's columns are staged as, and a timestamp that none is.
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
    # What a bucket has of the first file; None: nothing.
    content: bytes | None

    @property
    def parquet(self) -> pq.ParquetFile:
        if self.content is None:
            raise NotAsked("snowflake.unload tells: there is no file to look at")
        return pq.ParquetFile(pa.BufferReader(self.content))


class Trial:
    def __init__(self, world: World) -> None:
        self._world = world

    @once
    def signed_in(self) -> SnowflakeUnloads:
        """A session that has been let in."""
        session = self.session()
        session.ask(Statement("SELECT 1"), "doctor", SECONDS)
        return session

    @once
    def unloads(self) -> SnowflakeUnloads:
        """The same, for all that come after it."""
        try:
            return self.signed_in
        except BackfillError as error:
            raise NotAsked("snowflake.sign-in tells: nobody is let in") from error

    def session(self) -> SnowflakeUnloads:
        """A new one, as the functions open theirs."""
        return SnowflakeUnloads(
            self._world.snowflake,
            location_stage=self._world.snowflake_stage,
            statement_timeout=_LIMIT,
        )

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return self.unloads.ask(Statement(text), "doctor", SECONDS)

    @once
    def exported(self) -> Exported:
        """One row, unloaded as every job's are, read from the bucket, and removed there."""
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
            files.delete(prefix)
        return Exported(query_id, prefix, manifest, content)

    def until(
        self, query_id: str, enough: Callable[[UnloadState], bool], seconds: float | None = None
    ) -> UnloadState:
        """How the query is once that is enough, or when the time is over."""
        until = monotonic() + (SECONDS if seconds is None else seconds)
        while not enough(state := self.unloads.state(query_id)) and monotonic() < until:
            sleep(0.1)
        return state

    @once
    def waiting(self) -> str:
        """The id of a query that does nothing for a minute."""
        return self.unloads.submit(Statement(WAITING), "doctor")

    def found_by_another(self, tag: str) -> str | None:
        """The query that carries the tag, as another session finds it; Snowflake may take a moment."""
        with closing(self.session()) as other:
            until = monotonic() + SECONDS
            while (found := other.find(tag)) is None and monotonic() < until:
                sleep(0.5)
            return found

    def close(self) -> None:
        """End what still runs, and the session."""
        if was_asked(self, "signed_in"):
            with suppress(BackfillError):
                if was_asked(self, "waiting"):
                    self.unloads.abort(self.waiting)
            self.unloads.close()
