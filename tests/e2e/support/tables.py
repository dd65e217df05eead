"""The local Snowflake for tests: its tables, its faults, and its unloads."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import snowflake.connector

from infra.local.calls import call

SCHEMA = "BASE.ASSETS"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse of one stack, by its endpoints."""

    endpoints: Mapping[str, Any]

    def create(self, name: str, columns: str) -> str:
        """Create or replace a table; return its full name in the API's form.

        ``columns`` is the text between the parentheses of CREATE TABLE.
        """
        self.run(f"CREATE OR REPLACE TABLE {SCHEMA}.{name} ({columns})")
        return f"{SCHEMA}.{name}".lower()

    def create_hashes(self, name: str, count: int) -> tuple[str, list[str]]:
        """Create a table of incompressible rows, keyed by ``unique_id``; return its name and those ids."""
        table = self.create(name, "UNIQUE_ID VARCHAR, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9)")
        ids = [hashlib.sha256(f"{name} {number}".encode()).hexdigest() for number in range(count)]
        moments = pa.array([datetime.fromisoformat("2026-03-01")] * count, pa.timestamp("ns"))
        self.load(table, pa.table({"unique_id": ids, "block_timestamp": moments}))
        return table, ids

    def run(self, *statements: str) -> None:
        self._ask("POST", "statements", {"statements": statements})

    def insert(self, table: str, expressions: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows one by one; ``expressions`` has a ``%s`` for each value, which the connector binds."""
        with closing(
            snowflake.connector.connect(
                **self.endpoints["snowflake"],
                # Otherwise its threads outlive the test.
                enable_server_session_keep_alive_auto_detection=False,
            )
        ) as connection:
            for row in rows:
                connection.cursor().execute(f"INSERT INTO {table} SELECT {expressions}", tuple(row))

    def load(self, table: str, rows: pa.Table) -> None:
        """Append many rows by column name, ignoring case."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            pq.write_table(rows, path)
            self._ask("POST", "load", {"path": str(path), "table": table})

    @contextmanager
    def slow_unloads(self, seconds: float) -> Iterator[None]:
        """Delay the end of each unload whose files are written meanwhile by this many seconds."""
        self._ask("POST", "unload-delay", {"seconds": seconds})
        try:
            yield
        finally:
            self._ask("POST", "unload-delay", {"seconds": 0})

    def fail_unloads(self, errno: int, sqlstate: str, message: str, times: int = 1) -> None:
        """Make the next ``times`` unloads fail with this error, after their files are written."""
        failure = {"errno": errno, "sqlstate": sqlstate, "message": message, "times": times}
        self._ask("POST", "unload-failure", failure)

    def err(self, *faults: str) -> None:
        """Set the server's faults; without names it behaves like Snowflake."""
        self._ask("POST", "faults", {"faults": faults})

    def unloads(self, job_id: str) -> list[dict[str, Any]]:
        """Return the job's unloads, oldest first, each with its ``status`` and times."""
        return [query for query in self._ask("GET", "queries") if job_id in query["tag"]]

    def _ask(self, method: str, route: str, body: Any = None) -> Any:
        url = f"{self.endpoints['snowflake_url']}/local/{route}"
        answer = call(method, url, json=body)
        assert answer.status == 200, answer.data.decode()
        return answer.json()
