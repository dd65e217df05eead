"""Jobs and receipts in the API's form, for tests of the console."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

NOW = datetime.now(UTC).replace(microsecond=0)
ORGANIZATION = "acme"
ROWS_OF_A_CHUNK = 40_000
Json = dict[str, Any]

ESTIMATE: dict[str, Any] = {
    "rows": 1_234_567,
    "chunks": 31,
    "bytes": 987_654_321,
    "first_rows": [
        {
            "block_number": 12_345_678_901_234_567_890_123,
            "token_address": "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913",
            "amount": "1.50",
            "memo": None,
            "data": {"a": [1]},
        }
    ],
    "warnings": ["The window ends in the future"],
    "cost": {
        "currency": "USD",
        "low": 0.12,
        "high": 0.47,
        "parts": {"snowflake": {"low": 0.1, "high": 0.4}, "storage": {"low": 0.02, "high": 0.07}},
        "prices_of": "2026-10",
        "assumptions": ["List prices"],
    },
}


def stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def new_job(
    number: int,
    *,
    status: str = "completed",
    chunks: int | None = 12,
    done: int | None = None,
    kinds: tuple[str, ...] = ("kafka",),
    age: timedelta = timedelta(minutes=20),
    **changes: Any,
) -> Json:
    """Return a single job in the API's form; ``done`` of its ``chunks`` are at every destination."""
    done = (chunks if status == "completed" else 0) if done is None else done
    created = NOW - age
    over = status in {"completed", "failed", "cancelled"}
    rows = None if chunks is None else chunks * ROWS_OF_A_CHUNK
    rows_done = (done or 0) * ROWS_OF_A_CHUNK
    at_work = "failed" if over else "delivering" if status == "transporting" else "pending"
    state = {
        "status": "done" if chunks is not None and done == chunks else at_work,
        "chunks_done": done or 0,
        "rows_done": rows_done,
        "last_error": None,
    }
    job_id = str(UUID(int=0x1B4F_9D00 + number, version=4))
    return {
        "job_id": job_id,
        "workflow_id": f"beam-backfill-{ORGANIZATION}-{job_id}",
        "organization_id": ORGANIZATION,
        "status": status,
        "job_name": f"USDC transfers on Base, week {number + 1}",
        "table": "base.assets.erc20_token_transfers",
        "partition_key": "block_timestamp",
        "backfill_start": "2026-03-01T00:00:00",
        "backfill_end": "2026-03-08T00:00:00",
        "filter_column": "token_address",
        "filter_values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"],
        "destinations": [
            _destination(kind, number, place) | {"state": dict(state)} for place, kind in enumerate(kinds)
        ],
        "static_egress_ip": False,
        "num_chunks": chunks,
        "chunks_left": None if chunks is None else chunks - (done or 0),
        "error_message": None,
        "time_created": stamp(created),
        "time_completed": stamp(created + age * 0.8) if over else None,
        "progress": {
            "chunks_done": done or 0,
            "chunks_total": chunks,
            "rows_done": rows_done,
            "rows_total": rows,
        },
        "warnings": [],
        "paused": False,
        "time_paused": None,
    } | changes


def chunk_lines(
    job: Json, *, under_way: int = 0, rows: Callable[[int], int] = lambda _: ROWS_OF_A_CHUNK
) -> list[Json]:
    """Return the receipt's lines: the first ``done`` chunks are done, the next ones under way."""
    done, created = job["progress"]["chunks_done"], datetime.fromisoformat(job["time_created"])
    end = datetime.fromisoformat(job["time_completed"]) if job["time_completed"] else NOW
    lines = []
    for number in range(job["num_chunks"] or 0):
        moment = created + (end - created) * (0.1 + 0.9 * (number + 1) / max(1, done))
        deliveries = [
            {
                "uid": one["uid"],
                "rows": rows(number) if number < done else 0,
                "rows_skipped": 0,
                "attempts": 1,
                "time_done": stamp(moment) if number < done else None,
            }
            for one in job["destinations"]
            if number < done + under_way
        ]
        lines.append(
            {
                "chunk": number,
                "file": f"{ORGANIZATION}/{job['job_id']}/a1/data_0_{number}_0.snappy.parquet",
                "rows": rows(number),
                "bytes": 4 * 1024 * 1024,
                "crc32c": "yZRlqg==" if deliveries else None,
                "deliveries": deliveries,
            }
        )
    return lines


def receipt(job: Json) -> Json:
    total, done = job["progress"]["rows_total"], job["progress"]["rows_done"]
    return {
        "job_id": job["job_id"],
        "status": job["status"],
        "unload": {
            "query_id": "01b8c2f4-0504-7a3e-0002-f0470009d2a6",
            "rows": total,
            "chunks": job["num_chunks"],
            "bytes": job["num_chunks"] * 4 * 1024 * 1024,
        },
        "destinations": [
            {
                "uid": one["uid"],
                "type": one["type"],
                "name": one["name"],
                "rows_delivered": one["state"]["rows_done"],
                "rows_skipped": 0,
                "chunks_delivered": one["state"]["chunks_done"],
                "complete": one["state"]["status"] == "done",
            }
            for one in job["destinations"]
        ],
        "balanced": total == done,
    }


def _destination(kind: str, number: int, place: int) -> Json:
    options: dict[str, Json] = {
        "kafka": {"name": f"base-usdc-week-{number + 1}"},
        "webhook": {"name": "ledger", "url": "https://ledger.example.com/rows", "hash_key": "WEBHOOK_KEY"},
        "gcs": {"name": "lake", "bucket": "acme-lake", "prefix": "exports/base/"},
    }
    return {"type": kind, **options[kind], "uid": f"{number:04x}{place:08x}"}
