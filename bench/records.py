"""Jobs in the states that benchmarks need."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from bench import chunk
from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.destinations import destination
from shared.domain import transitions
from shared.domain.chunks import Chunk, shards_for
from shared.domain.destination import Destination
from shared.domain.jobs import Attempt, Job, Window


def claimed(jobs: FirestoreJobs, destinations: Sequence[Destination] = ()) -> Job:
    """Record a job with a staging attempt."""
    job = new_job(destinations)
    jobs.create(job, [])
    attempt = Attempt(str(uuid.uuid4()), datetime.now(UTC))
    claim = partial(
        transitions.claim, attempt=attempt, previous=None, columns=chunk.COLUMNS, key_column=chunk.KEY
    )
    return jobs.change(job.organization_id, job.job_id, claim)


def new_job(destinations: Sequence[Destination] = ()) -> Job:
    """Return a job as the API creates it."""
    return Job(
        organization_id=chunk.ORGANIZATION,
        job_id=str(uuid.uuid4()),
        job_name="bench",
        table="base.assets.erc20_token_transfers",
        window=Window("block_timestamp", "2026-03-01T00:00:00", "2026-04-01T00:00:00"),
        destinations=tuple(destinations)
        or (destination(type="kafka", name="transfers", uid=str(uuid.uuid4())),),
        static_egress_ip=False,
        time_created=datetime.now(UTC),
        webhook_batch_rows=500,
    )


def transporting(
    jobs: FirestoreJobs, chunks: FirestoreChunks, found: Sequence[Chunk], destinations: Sequence[Destination]
) -> Job:
    """Record a job with these chunks to deliver."""
    job = claimed(jobs, destinations)
    chunks.record(job, found)
    staged = partial(
        transitions.staged,
        attempt_id=job.require_attempt().attempt_id,
        chunks=len(found),
        rows=sum(each.rows for each in found),
        size=sum(each.size for each in found),
        shards=shards_for(len(found)),
        now=datetime.now(UTC),
    )
    return chunks.commit(job, staged, found)
