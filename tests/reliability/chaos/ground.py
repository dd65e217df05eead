"""A stack with small chunks and short deadlines, a table to replay, and its observers."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.local.options import EXTRAS, StackOptions
from infra.local.supervisor import LocalStack
from tests.e2e.support.tables import Warehouse
from tests.reliability.chaos.client import Client
from tests.reliability.chaos.inbox import Inbox
from tests.reliability.places import Places
from tests.reliability.records import Records

SLICES = 8
_ROWS_PER_SLICE = 60
_UNLOAD_FILE_BYTES = 12_000

# All of production's waiting times, shortened in proportion to the ack deadline.
_ENVIRONMENT = {
    "LEASE_LENGTH": "3",
    "STATUS_PAUSE": "0.5",
    "WEBHOOK_BATCH_ROWS": "16",
    "UNLOAD_WAIT": "1",
    "NUDGE_PAUSE": "3",
    "TEAR_DOWN_PAUSE": "3",
    "CLAIM_LIMIT": "4",
    "UNCONFIRMED_LIMIT": "5",
    "MOST_STAGING_ATTEMPTS": "20",
}


@dataclass(frozen=True)
class Ground:
    """``rows``: each slice's rows by unique id, as they must arrive; ``inbox_port``: the inbox as the
    functions reach it; ``rest_limit``: seconds after the last fault within which every job must come to rest.
    """

    stack: LocalStack
    client: Client
    warehouse: Warehouse
    records: Records
    places: Places
    inbox: Inbox
    inbox_port: int
    table: str
    rows: dict[int, dict[str, Any]]

    @property
    def rest_limit(self) -> float:
        return 2.0 * self.stack.options.ack_deadline

    def hook(self, path: str) -> str:
        return f"http://127.0.0.1:{self.inbox_port}{path}"


def options(folder: Path, *, ack_deadline: int, environment: dict[str, str] | None = None) -> StackOptions:
    """``ack_deadline`` in seconds; a delivery stops before it, and a stalled chunk is published again after
    it.
    """
    return StackOptions(
        folder=folder,
        rows=1,
        unload_file_bytes=_UNLOAD_FILE_BYTES,
        ack_deadline=ack_deadline,
        minimum_backoff=0.5,
        maximum_backoff=3.0,
        sweep_pause=1.0,
        topic_partitions=2,
        destinations=frozenset(EXTRAS),
        ready_limit=300.0,
        environment={
            **_ENVIRONMENT,
            "DELIVERY_DEADLINE": str(ack_deadline * 0.8),
            "STALL_LIMIT": str(ack_deadline),
            **(environment or {}),
        },
    )


def prepare(
    stack: LocalStack,
    inbox: Inbox,
    inbox_port: int | None = None,
    reached: Mapping[str, str] | None = None,
) -> Ground:
    """Fill a started stack. ``reached``: addresses at which the functions reach destinations' servers."""
    warehouse = Warehouse(stack.endpoints)
    columns = "UNIQUE_ID VARCHAR, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), SLICE NUMBER(38, 0), PADDING VARCHAR"
    table = warehouse.create("TROUBLED", columns)
    rows = _rows()
    fields = [list(column) for column in zip(*(row.values() for row in rows), strict=True)]
    warehouse.load(table, pa.table(fields, names=list(rows[0])))
    by_slice: dict[int, dict[str, Any]] = {number: {} for number in range(SLICES)}
    for row in rows:
        by_slice[row["slice"]][row["unique_id"]] = row
    return Ground(
        stack,
        Client(stack.endpoints),
        warehouse,
        Records(stack.endpoints),
        Places(stack.endpoints, reached),
        inbox,
        inbox_port or inbox.port,
        table,
        by_slice,
    )


def _rows() -> list[dict[str, Any]]:
    """Return rows of incompressible text, so that few rows fill several files."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [
        {
            "unique_id": f"row-{number:05d}",
            "block_timestamp": f"2026-03-01T00:{number // 60:02d}:{number % 60:02d}",
            "slice": number % SLICES,
            "padding": f"{chance.getrandbits(512):0128x}",
        }
        for number in range(SLICES * _ROWS_PER_SLICE)
    ]
