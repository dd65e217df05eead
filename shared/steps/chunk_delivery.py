"""Say what a sink is to deliver: one chunk of a job to one destination."""

from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.jobs import Job
from shared.domain.oversized import NONE_SKIPPED
from shared.domain.pieces import NOT_SPLIT
from shared.steps.records import Lease
from shared.steps.sending import ChunkDelivery


def batch_rows_of(job: Job, destination: Destination) -> int:
    """Return the rows per batch: the destination's own number, or the number fixed for the job."""
    return destination.traits.batch_rows or job.webhook_batch_rows


def delivery_of(
    job: Job,
    chunk: Chunk,
    destination: Destination,
    lease: Lease | None = None,
) -> ChunkDelivery:
    """Return the delivery of a chunk of the job's current attempt. It starts where the ``lease``'s record
    ends.
    """
    return ChunkDelivery(
        job.organization_id,
        job.job_id,
        job.require_attempt().attempt_id,
        chunk.number,
        chunk.rows,
        destination,
        batch_rows_of(job, destination),
        lease.first_batch if lease else 0,
        job.skips_oversized,
        lease.skipped if lease else NONE_SKIPPED,
        lease.splits if lease else NOT_SPLIT,
        job.attempt_prefix + chunk.name,
        job.table,
        [column for column in job.columns if not column.hidden],
        not any(column.hidden for column in job.columns),
        chunk.size,
    )
