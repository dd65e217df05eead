"""Build a new job from a validated request."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from shared.destinations import destination
from shared.destinations.spec import Spec
from shared.domain.columns import Choice
from shared.domain.destination import Destination
from shared.domain.idempotency import Idempotency
from shared.domain.jobs import Job, Window
from shared.web.models import CreateBackfill, RenamedColumn


def new_job(
    request: CreateBackfill,
    organization_id: str,
    *,
    now: datetime,
    new_id: Callable[[], UUID],
    webhook_batch_rows: int,
    idempotency: Idempotency | None,
    trace: str | None,
) -> Job:
    """Return the job with new ids for it and for each destination. Its filter values are stored
    separately.
    """
    window = request.backfill_window
    return Job(
        organization_id=organization_id,
        job_id=str(new_id()),
        job_name=request.job_name,
        table=request.table,
        window=Window(window.partition_key, str(window.start), str(window.end)),
        destinations=_destinations(request.destinations, new_id),
        static_egress_ip=request.static_egress_ip,
        oversized_rows=request.oversized_rows,
        chosen=choices(request),
        time_created=now,
        webhook_batch_rows=webhook_batch_rows,
        filter_column=request.filter.column if request.filter else None,
        idempotency=idempotency,
        trace=trace,
        max_parallel_chunks=request.max_parallel_chunks,
    )


def choices(request: CreateBackfill) -> tuple[Choice, ...]:
    """Return the columns that the client chose."""
    return tuple(_choice(column) for column in request.columns or ())


def _choice(column: str | RenamedColumn) -> Choice:
    return Choice(column) if isinstance(column, str) else Choice(column.column, column.as_)


def _destinations(wanted: Sequence[Spec], new_id: Callable[[], UUID]) -> tuple[Destination, ...]:
    return tuple(
        destination(**one.model_dump(mode="json", exclude_none=True), uid=str(new_id())) for one in wanted
    )
