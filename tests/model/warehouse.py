"""Snowflake whose queries take time, and write their files at the end, even if they were aborted."""

import re
from collections.abc import Callable, Mapping

from shared.domain.errors import Unavailable
from shared.steps.ports import UnloadState
from shared.unload.statements import Statement
from tests.fakes.clock import FakeClock
from tests.fakes.files import FakeStagedFiles
from tests.fakes.unloads import FakeTable, FakeUnloads

_PREFIX = re.compile(r'"/(\S+/) FROM ')
_ABORTING = 2.0  # seconds


class SlowWarehouse(FakeUnloads):
    """``seconds``: how long the next queries take. ``current``: whether a prefix's attempt is its job's.
    ``late``: prefixes that were not current when their query arrived, because its submitter had stopped for
    longer than a claim lives; the lifecycle removes what such a query writes before it is aborted.
    """

    def __init__(
        self,
        tables: Mapping[str, FakeTable],
        *,
        rows_per_file: int,
        bucket: FakeStagedFiles,
        clock: FakeClock,
        current: Callable[[str], bool],
    ) -> None:
        super().__init__(tables, rows_per_file)
        self.seconds = 0.0
        self.late: list[str] = []
        self._current = current
        self._bucket = bucket
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._written: set[str] = set()

    def submit(self, statement: Statement, tag: str) -> str:
        query_id = super().submit(statement, tag)
        self._ends[query_id] = self._clock.monotonic() + self.seconds
        if not self._current(self._prefix(query_id)):
            self.late.append(self._prefix(query_id))
        return query_id

    def state(self, query_id: str) -> UnloadState:
        self.write()
        if query_id not in self.queries:
            return UnloadState.UNKNOWN
        if query_id in self.running():
            return UnloadState.RUNNING
        return UnloadState.FAILED if self.queries[query_id].error else UnloadState.SUCCEEDED

    def abort(self, query_id: str) -> None:
        if query_id in self.running():
            query = self.queries[query_id]
            query.files, query.error = query.files[:1], Unavailable("Snowflake")
            end = self._clock.monotonic() + _ABORTING
            self._ends[query_id] = min(self._ends[query_id], end)
            self.aborted.append(query_id)

    def running(self) -> list[str]:
        """Return the ids of the queries that would still write."""
        return [query_id for query_id, end in self._ends.items() if end > self._clock.monotonic()]

    def write(self) -> None:
        """Write the files of ended queries, once each."""
        for query_id in self._ends.keys() - self._written - set(self.running()):
            self._written.add(query_id)
            for file in self.queries[query_id].files:
                self._bucket.contents[self._prefix(query_id) + file.name] = bytes(file.size)

    def _prefix(self, query_id: str) -> str:
        prefix = _PREFIX.search(self.queries[query_id].statement.text)
        assert prefix is not None
        return prefix[1]
