"""The two implementations for the unloads' contract: the local Snowflake with the real connector, and the
fake.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
from shared.adapters.snowflake import SnowflakeUnloads
from shared.domain.errors import Unavailable, UnloadRefused
from shared.steps.ports import Unloads
from shared.unload.statements import TableColumn
from tests.fakes.unloads import FakeTable, FakeUnloads

COLUMNS: Final = [
    TableColumn("BLOCK_TIMESTAMP", "TIMESTAMP_NTZ", 9),
    TableColumn("AMOUNT", "FIXED", 0, 38),
    TableColumn("PRICE", "FIXED", 18, 38),
    TableColumn("Name", "TEXT", 0),
]
TIMESTAMPS: Final = ["2026-03-01T00:00:00", "2026-03-01T12:00:00", "2026-03-02T00:00:00"]
_CREATE: Final = (
    "CREATE OR REPLACE TABLE BASE.ASSETS.CONTRACT "
    '(BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), AMOUNT NUMBER(38, 0), PRICE NUMBER(38, 18), "Name" VARCHAR)'
)


@dataclass(frozen=True, slots=True)
class LocalSnowflake:
    """A local Snowflake, with the GCS server that it unloads to."""

    connect: dict[str, Any]
    location_stage: str
    url: str
    gcs_url: str
    bucket: str

    def unloads(self, **arguments: Any) -> SnowflakeUnloads:
        return SnowflakeUnloads(
            self.connect, location_stage=self.location_stage, **{"statement_timeout": 60} | arguments
        )

    def run(self, *statements: str) -> None:
        self.ask("statements", {"statements": statements})

    def ask(self, route: str, body: Any = None) -> Any:
        """Call the local server's own routes: slower unloads, failing ones, a list of past ones."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/local/{route}", data) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"the local Snowflake refuses: {error.read().decode()}") from None


@dataclass(frozen=True, slots=True)
class World:
    """``slow`` makes the next unloads run for a while; ``refuse`` and ``disturb`` make the next one fail,
    permanently or temporarily. ``another`` is another process's connection to the same Snowflake.
    """

    unloads: Unloads
    another: Unloads
    slow: Callable[[], object]
    refuse: Callable[[], object]
    disturb: Callable[[], object]


@pytest.fixture(scope="session")
def snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    options = StackOptions(
        folder=tmp_path_factory.mktemp("snowflake"), parts=frozenset({"snowflake", "gcs"}), rows=100
    )
    with LocalStack(options) as stack:
        known = stack.endpoints
        yield LocalSnowflake(
            known["snowflake"],
            known["snowflake_stage"],
            known["snowflake_url"],
            known["gcs_url"],
            known["bucket"],
        )


def fake_world() -> World:
    unloads = FakeUnloads({"base.assets.contract": FakeTable(COLUMNS, TIMESTAMPS)})

    def slow() -> None:
        unloads.polls = 3

    return World(
        unloads,
        unloads,
        slow,
        lambda: unloads.errors.append(UnloadRefused("no such column")),
        lambda: unloads.errors.append(Unavailable("Snowflake")),
    )


def real_world(server: LocalSnowflake) -> Iterator[World]:
    rows = ", ".join(f"('{timestamp}', 1, 0.5, 'x')" for timestamp in TIMESTAMPS)
    server.run(_CREATE, f"INSERT INTO BASE.ASSETS.CONTRACT VALUES {rows}")
    unloads, another = server.unloads(), server.unloads()
    refusal = {"errno": 904, "sqlstate": "42000", "message": "SQL compilation error:\ninvalid identifier 'X'"}
    incident = {"errno": 603, "sqlstate": "XX000", "message": "SQL execution internal error"}
    yield World(
        unloads,
        another,
        lambda: server.ask("unload-delay", {"seconds": 3.0}),
        lambda: server.ask("unload-failure", refusal),
        lambda: server.ask("unload-failure", incident),
    )
    server.ask("unload-delay", {"seconds": 0})
    unloads.close()
    another.close()
