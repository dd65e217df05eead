"""Example jobs and chunks for tests."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain import transitions
from shared.domain.chunks import StagedFile, number_files
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.jobs import Attempt, Job, Window
from tests.fakes.destinations import kafka, webhook

CREATED = datetime(2026, 4, 27, 10, 30, 0, 123456, tzinfo=UTC)
RECORDS_KEPT = timedelta(days=90)
KAFKA = kafka("transfers", "kafka-uid")
WEBHOOK = webhook("hook", "webhook-uid", "https://example.com/rows", "SECRET")
COLUMNS = (
    Column("unique_id", JsonKind.TEXT, type=TableType("TEXT")),
    Column("log_index", JsonKind.INTEGER),  # as an older release staged it
)


def new_job(**changes: Any) -> Job:
    """Return a job as the API records it, with a new id."""
    job = Job(
        organization_id="acme",
        job_id=str(uuid.uuid4()),
        job_name="march",
        table="base.assets.erc20_token_transfers",
        window=Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00.000000001"),
        destinations=(KAFKA, WEBHOOK),
        static_egress_ip=False,
        time_created=CREATED,
        webhook_batch_rows=2,
    )
    return replace(job, **changes)


def new_attempt(claimed_at: datetime = CREATED, **changes: Any) -> Attempt:
    return replace(Attempt(str(uuid.uuid4()), claimed_at), **changes)


def claimed(job: Job, attempt: Attempt | None = None) -> Job:
    """Return the job with another staging attempt."""
    attempt = attempt or new_attempt()
    return transitions.claim(job, attempt, job.attempt, COLUMNS, "unique_id")


def staged_files(count: int, rows: int = 5) -> list[StagedFile]:
    return [StagedFile(f"data_{number:05d}.parquet", 100 + number, rows) for number in range(count)]


def transporting(job: Job | None = None, *, chunks: int = 3, rows: int = 5, shards: int = 1) -> Job:
    """Return the job with its manifest committed."""
    job = claimed(job or new_job())
    attempt_id = job.require_attempt().attempt_id
    return transitions.staged(
        job,
        attempt_id,
        chunks=chunks,
        rows=chunks * rows,
        size=chunks * rows * 100,
        shards=shards,
        now=CREATED,
    )


CHUNKS = number_files(staged_files(3))
