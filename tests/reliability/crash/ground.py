"""A stack whose functions have crash points, and a small table to replay."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from infra.local.options import EXTRAS, StackOptions
from infra.local.supervisor import LocalStack
from tests.e2e.support.tables import Warehouse
from tests.reliability.crash.control import VARIABLE, Control
from tests.reliability.places import Places
from tests.reliability.records import Records

FUNCTIONS = Path(__file__).parents[1] / "functions"
ROWS = 240
ACK_DEADLINE = 60  # seconds
_UNLOAD_FILE_BYTES = 12_000
_WEBHOOK_BATCH_ROWS = 16

# All of production's waiting times, shortened: a lease of 3 s, a second or two between two attempts.
_ENVIRONMENT = {
    "LEASE_LENGTH": "3",
    "STATUS_PAUSE": "0.5",
    "WEBHOOK_BATCH_ROWS": str(_WEBHOOK_BATCH_ROWS),
    "UNLOAD_WAIT": "2",
    "NUDGE_PAUSE": "2",
    "TEAR_DOWN_PAUSE": "2",
    "CLAIM_LIMIT": "3",
    "STALL_LIMIT": "6",
    "UNCONFIRMED_LIMIT": "3",
    "MOST_STAGING_ATTEMPTS": "20",
}


@dataclass(frozen=True)
class Ground:
    """``rows`` by their unique id, as they must arrive."""

    stack: LocalStack
    control: Control
    warehouse: Warehouse
    records: Records
    places: Places
    table: str
    rows: dict[str, Any]


def options(folder: Path) -> StackOptions:
    """Return options for a stack with small chunks and short deadlines."""
    return StackOptions(
        folder=folder,
        rows=1,
        unload_file_bytes=_UNLOAD_FILE_BYTES,
        ack_deadline=ACK_DEADLINE,
        minimum_backoff=0.5,
        maximum_backoff=2.0,
        sweep_pause=0.5,
        topic_partitions=2,
        destinations=frozenset(EXTRAS),
        functions_folder=FUNCTIONS,
        environment={**_ENVIRONMENT, VARIABLE: str(folder / "crash")},
    )


def prepare(stack: LocalStack) -> Ground:
    """Fill a started stack."""
    control = Control(stack.layout.folder / "crash")
    control.clear()
    warehouse = Warehouse(stack.endpoints)
    table = warehouse.create(
        "CRASHES",
        "UNIQUE_ID VARCHAR, BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), AMOUNT NUMBER(38, 0), PADDING VARCHAR",
    )
    rows = _rows()
    columns = [list(column) for column in zip(*(row.values() for row in rows), strict=True)]
    warehouse.load(table, pa.table(columns, names=list(rows[0])))
    return Ground(
        stack,
        control,
        warehouse,
        Records(stack.endpoints),
        Places(stack.endpoints),
        table,
        {row["unique_id"]: row for row in rows},
    )


def _rows() -> list[dict[str, Any]]:
    """Return rows of incompressible text, so that few rows fill several files."""
    chance = random.Random(1)  # noqa: S311 - no secret
    return [
        {
            "unique_id": f"row-{number:05d}",
            "block_timestamp": f"2026-03-01T00:{number // 60:02d}:{number % 60:02d}",
            "amount": number,
            "padding": f"{chance.getrandbits(512):0128x}",
        }
        for number in range(ROWS)
    ]
