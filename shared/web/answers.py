"""The API's responses about jobs. The same types describe them in the OpenAPI document."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, cast

# On Python 3.11, pydantic supports only typing_extensions' TypedDict.
from typing_extensions import TypedDict

from shared.domain.destination import Destination
from shared.domain.estimate import warnings_of_unloaded
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.domain.oversized import OversizedRows
from shared.steps.records import DestinationProgress

Status = Literal["staging", "transporting", "completed", "failed", "cancelled"]
DestinationStatus = Literal["pending", "delivering", "done", "failed"]


class CreatedBackfill(TypedDict):
    """The new job's ids."""

    job_id: str
    workflow_id: str


class ShownDestination(TypedDict):
    """A destination as the client gave it, with the ``uid`` that the service assigned."""

    type: str
    name: str
    uid: str


class DestinationState(TypedDict):
    """A destination's progress. ``failed``: its job ended before the destination had every chunk.

    ``rows_done``: the rows of its finished chunks, including skipped rows. ``last_error``: the last error
    since the last retry, while the destination lacks any chunk.
    """

    status: DestinationStatus
    chunks_done: int
    rows_done: int
    last_error: str | None


class DestinationWithState(ShownDestination):
    """A destination in the response for a single job."""

    state: DestinationState


class Progress(TypedDict):
    """The progress over all destinations; the totals are null while staging."""

    chunks_done: int
    chunks_total: int | None
    rows_done: int
    rows_total: int | None


class _Shown(TypedDict):
    job_id: str
    workflow_id: str
    organization_id: str
    status: Status
    job_name: str
    table: str
    partition_key: str
    backfill_start: str | int
    backfill_end: str | int
    filter_column: str | None
    filter_values: list[FilterValue] | None
    static_egress_ip: bool
    num_chunks: int | None
    chunks_left: int | None
    error_message: str | None
    time_created: str
    time_completed: str | None


class _Options(TypedDict, total=False):
    max_parallel_chunks: int
    oversized_rows: OversizedRows
    columns: list[str | dict[str, str]]


class ListedBackfill(_Shown):
    """A job in the list."""

    destinations: list[ShownDestination]


class Backfill(_Shown, _Options):
    """A single job. ``warnings``: sentences about likely mistakes in its slice. ``time_paused``: since when
    it is paused. An option is present if the client gave it.
    """

    destinations: list[DestinationWithState]
    progress: Progress
    warnings: list[str]
    paused: bool
    time_paused: str | None


def listed(job: Job, filter_values: Sequence[FilterValue] | None, counts: Counts | None) -> ListedBackfill:
    """Return the job as the list shows it, with its fields in the documented order."""
    return {
        "job_id": job.job_id,
        "workflow_id": job.workflow_id,
        "organization_id": job.organization_id,
        "status": job.status.value,
        "job_name": job.job_name,
        "table": job.table,
        "partition_key": job.window.partition_key,
        "backfill_start": _bound(job, job.window.start),
        "backfill_end": _bound(job, job.window.end),
        "filter_column": job.filter_column,
        "filter_values": None if job.filter_column is None else list(filter_values or ()),
        "destinations": [_destination(destination) for destination in job.destinations],
        "static_egress_ip": job.static_egress_ip,
        "num_chunks": job.num_chunks,
        "chunks_left": None if counts is None else counts.chunks_left,
        "error_message": job.error_message,
        "time_created": show_time(job.time_created),
        "time_completed": None if job.time_completed is None else show_time(job.time_completed),
    }


def shown(
    job: Job,
    filter_values: Sequence[FilterValue] | None,
    counts: Counts | None,
    destinations: Mapping[str, DestinationProgress],
) -> Backfill:
    """Return the job as a single response shows it: the list's fields, progress and destination states."""
    item = listed(job, filter_values, counts)
    states = [_state(job, destinations.get(destination.uid)) for destination in job.destinations]
    options: _Options = {}
    if job.max_parallel_chunks is not None:
        options["max_parallel_chunks"] = job.max_parallel_chunks
    if job.oversized_rows is not None:
        options["oversized_rows"] = job.oversized_rows
    if job.chosen:
        options["columns"] = [
            one.column if one.name is None else {"column": one.column, "as": one.name} for one in job.chosen
        ]
    return {
        **item,
        "destinations": [
            {**destination, "state": state}
            for destination, state in zip(item["destinations"], states, strict=True)
        ],
        "progress": {
            "chunks_done": _done(job.num_chunks, None if counts is None else counts.chunks_left),
            "chunks_total": job.num_chunks,
            "rows_done": _done(job.num_rows, None if counts is None else counts.rows_left),
            "rows_total": job.num_rows,
        },
        "warnings": [*warnings_of_unloaded(job.num_rows, job.filter_column, filter_values or ())],
        "paused": job.paused,
        "time_paused": None if job.time_paused is None else show_time(job.time_paused),
        **options,
    }


def last_known(job: Job, before: Counts | None) -> Counts | None:
    """Return the counts of a changed job whose counts cannot be read; ``before``: those before the change."""
    if job.num_chunks is None or job.num_rows is None:
        return None
    if job.status is JobStatus.COMPLETED:
        return Counts(0, 0)
    # If there were none, the manifest was committed after they were read: no chunk counts as delivered yet.
    return before or Counts(job.num_chunks, job.num_rows)


def show_time(moment: datetime) -> str:
    """Return the time in UTC with six fraction digits, so that texts sort like times."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _bound(job: Job, bound: str) -> str | int:
    return int(bound) if job.window.partition_key == "block" else bound


def _destination(destination: Destination) -> ShownDestination:
    given = {"delivery": destination.delivery} if destination.delivery is not None else {}
    return cast(
        "ShownDestination",
        {
            "type": destination.type,
            "name": destination.name,
            **destination.options,
            **given,
            "uid": destination.uid,
        },
    )


def _done(total: int | None, left: int | None) -> int:
    return 0 if total is None or left is None else total - left


def _state(job: Job, progress: DestinationProgress | None) -> DestinationState:
    chunks, rows, error = (
        (progress.chunks_done, progress.rows_done, progress.last_error) if progress else (0, 0, None)
    )
    status: DestinationStatus
    if job.num_chunks is not None and chunks >= job.num_chunks:
        # An earlier temporary error no longer matters.
        status, error = "done", None
    elif job.status.is_terminal:
        status = "failed"
    else:
        status = "delivering" if job.status is JobStatus.TRANSPORTING else "pending"
    return {"status": status, "chunks_done": chunks, "rows_done": rows, "last_error": error}
