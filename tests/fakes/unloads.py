"""Snowflake in memory: queries that run for a given number of polls, and tables of timestamps."""

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.chunks import StagedFile
from shared.domain.errors import BackfillError, Unavailable, UnloadRefused
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement, TableColumn, describe_statement

_SOURCE = re.compile(r" FROM (\S+) AS slice WHERE ")
_BYTES_PER_ROW = 100


@dataclass(frozen=True, slots=True)
class FakeTable:
    """A table whose rows consist only of their ``block_timestamp``."""

    columns: Sequence[TableColumn]
    timestamps: Sequence[str] = ()


@dataclass(slots=True)
class FakeQuery:
    """A submitted unload. ``polls_left``: polls that still return running."""

    query_id: str
    statement: Statement
    tag: str
    polls_left: int
    files: list[StagedFile] = field(default_factory=list)
    error: BackfillError | None = None


@dataclass(slots=True)
class FakeUnloads:
    """Implements the port Unloads for ``tables`` by lower-case name. While ``down``, everything is
    Unavailable.

    ``polls``: how often a new query reports that it runs. ``errors``: how the next queries fail, in order.
    ``queries``: all submitted queries by id, oldest first.
    """

    tables: Mapping[str, FakeTable]
    rows_per_file: int = 2
    polls: int = 0
    errors: list[BackfillError] = field(default_factory=list)
    queries: dict[str, FakeQuery] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    down: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def describe(self, table: str) -> list[TableColumn]:
        self._reach()
        if table not in self.tables:
            raise UnloadRefused(f"Table {table} does not exist")
        return list(self.tables[table].columns)

    def submit(self, statement: Statement, tag: str) -> str:
        self._reach()
        with self.lock:
            query = FakeQuery(str(uuid.uuid4()), statement, tag, self.polls)
            if self.errors:
                query.error = self.errors.pop(0)
            else:
                query.files = self._files(query)
            self.queries[query.query_id] = query
            return query.query_id

    def find(self, tag: str) -> str | None:
        self._reach()
        return next((query.query_id for query in self.queries.values() if query.tag == tag), None)

    def state(self, query_id: str) -> UnloadState:
        self._reach()
        query = self.queries.get(query_id)
        if query is None:
            return UnloadState.UNKNOWN
        with self.lock:
            if query.polls_left:
                query.polls_left -= 1
                return UnloadState.RUNNING
        return UnloadState.FAILED if query.error else UnloadState.SUCCEEDED

    def files(self, query_id: str) -> list[StagedFile]:
        self._reach()
        return list(self.queries[query_id].files)

    def failure(self, query_id: str) -> BackfillError:
        self._reach()
        error = self.queries[query_id].error
        if error is None:
            raise AssertionError("the query has not failed")
        return error

    def abort(self, query_id: str) -> None:
        self._reach()
        with self.lock:
            query = self.queries.get(query_id)
            if query is None or not query.polls_left:
                return
            query.polls_left, query.files, query.error = 0, [], Unavailable("Snowflake")
            self.aborted.append(query_id)

    def _files(self, query: FakeQuery) -> list[StagedFile]:
        start, end = query.statement.values[:2]
        rows = sum(start <= timestamp < end for timestamp in self._source(query.statement).timestamps)
        sizes = [min(self.rows_per_file, rows - first) for first in range(0, rows, self.rows_per_file)]
        return [
            StagedFile(f"data_{query.query_id}_0_{number}_0.snappy.parquet", size * _BYTES_PER_ROW, size)
            for number, size in enumerate(sizes)
        ]

    def _source(self, statement: Statement) -> FakeTable:
        found = _SOURCE.search(statement.text)
        if found is None:
            raise AssertionError("not the statement of an unload")
        return next(
            table
            for name, table in self.tables.items()
            if describe_statement(name).text.endswith(f" FROM {found[1]}")
        )

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("Snowflake")
