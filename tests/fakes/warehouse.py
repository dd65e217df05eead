"""Snowflake in memory, with the bucket that its unloads write to."""

import re
from dataclasses import dataclass, field

from shared.steps.ports import UnloadState
from shared.unload.statements import TableColumn
from tests.fakes.files import FakeStagedFiles
from tests.fakes.unloads import FakeTable, FakeUnloads

TRANSFERS = "base.assets.erc20_token_transfers"
COLUMNS = (
    TableColumn("UNIQUE_ID", "TEXT", 0),
    TableColumn("LOG_INDEX", "FIXED", 0),
    TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_NTZ", 9),
)
_PREFIX = re.compile(r'"/(\S+/) FROM ')


def transfers(rows: int) -> dict[str, FakeTable]:
    """Return the only table, with this many rows in the examples' window."""
    return {TRANSFERS: FakeTable(COLUMNS, [f"2026-03-01T00:00:{row:02d}" for row in range(rows)])}


@dataclass(slots=True)
class FakeWarehouse(FakeUnloads):
    """Writes an unload's files of zeros when it is first seen to have succeeded."""

    bucket: FakeStagedFiles = field(default_factory=FakeStagedFiles)

    def running(self) -> list[str]:
        """Return the ids of the queries that would still write."""
        return [query.query_id for query in self.queries.values() if query.polls_left]

    def state(self, query_id: str) -> UnloadState:
        state = FakeUnloads.state(self, query_id)
        if state is UnloadState.SUCCEEDED:
            query = self.queries[query_id]
            prefix = _PREFIX.search(query.statement.text)
            assert prefix is not None
            for file in query.files:
                self.bucket.contents[prefix[1] + file.name] = bytes(file.size)
        return state
