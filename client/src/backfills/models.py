"""The service's answers, typed. Unknown fields of newer services are kept unchanged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["staging", "transporting", "completed", "failed", "cancelled"]
ENDED: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Created(Answer):
    """A new job's ids."""

    job_id: str
    workflow_id: str


class DestinationState(Answer):
    """A destination's progress. ``rows_done`` includes skipped rows. ``last_error``: the current obstacle."""

    status: Literal["pending", "delivering", "done", "failed"]
    chunks_done: int
    rows_done: int
    last_error: str | None = None


class Destination(Answer):
    """A destination as given, with the service's ``uid``. ``state`` is None in the list of jobs.

    ``delivery``: None if it was not given.
    """

    type: str
    name: str
    uid: str
    delivery: str | None = None
    state: DestinationState | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Return the fields of this type of destination, as given."""
        return dict(self.model_extra or {})


class Progress(Answer):
    """How much of the staged rows all destinations have; the totals are None while staging."""

    chunks_done: int
    chunks_total: int | None = None
    rows_done: int
    rows_total: int | None = None


class ListedJob(Answer):
    """A job in the list. The bounds are text, to keep nanoseconds, or block numbers."""

    job_id: str
    workflow_id: str
    organization_id: str
    status: Status
    job_name: str
    table: str
    partition_key: str
    backfill_start: str | int
    backfill_end: str | int
    filter_column: str | None = None
    filter_values: list[Any] | None = None
    destinations: list[Destination]
    static_egress_ip: bool = False
    num_chunks: int | None = None
    chunks_left: int | None = None
    error_message: str | None = None
    time_created: datetime
    time_completed: datetime | None = None

    @property
    def ended(self) -> bool:
        """Return whether the job is completed, failed or cancelled."""
        return self.status in ENDED


class Job(ListedJob):
    """A single job: the list's fields, its progress and each destination's ``state``.

    ``warnings``: sentences about likely mistakes in its slice. An option that was not given is None.
    """

    progress: Progress
    warnings: list[str] = []
    paused: bool = False
    time_paused: datetime | None = None
    max_parallel_chunks: int | None = None
    oversized_rows: str | None = None
    columns: list[str | dict[str, str]] | None = None


class DollarRange(Answer):
    """A range in US dollars."""

    low: float
    high: float


class Cost(Answer):
    """The job's estimated cost, in total and by part. ``prices_of``: the month of the list prices."""

    currency: str
    low: float
    high: float
    parts: dict[str, DollarRange]
    prices_of: str
    assumptions: list[str]


class Estimate(Answer):
    """An estimate: exact rows, estimated chunks and bytes of JSON, up to five of the rows.

    ``cost``: None if the service is too old to estimate it.
    """

    rows: int
    chunks: int
    bytes: int
    first_rows: list[dict[str, Any]]
    warnings: list[str]
    cost: Cost | None = None


class Unload(Answer):
    """What Snowflake unloaded; ``bytes``: the size of the staged files."""

    query_id: str | None = None
    rows: int
    chunks: int
    bytes: int | None = None


class SkippedRow(Answer):
    """A row that a destination did not receive; ``row``: its number within the chunk, from 0.

    ``key``: the beginning of its key. ``bytes`` and ``limit``: its size and the destination's limit.
    """

    chunk: int
    row: int
    key: str | None = None
    bytes: int
    limit: int | None = None


class ReceiptDestination(Answer):
    """What one destination has. ``skipped``: the first 1,000 skipped rows."""

    uid: str
    type: str
    name: str
    rows_delivered: int
    rows_skipped: int
    chunks_delivered: int
    complete: bool
    skipped: list[SkippedRow] = []


class Receipt(Answer):
    """``balanced``: for every destination, rows delivered plus skipped equal the rows unloaded."""

    job_id: str
    status: Status
    unload: Unload
    destinations: list[ReceiptDestination]
    balanced: bool


class ChunkDelivery(Answer):
    """One destination's part of a chunk; ``time_done`` is None until it is delivered."""

    uid: str
    rows: int
    rows_skipped: int
    attempts: int
    time_done: datetime | None = None


class ReceiptChunk(Answer):
    """A staged file and its deliveries. ``crc32c``: in Base64, None until a delivery has read the file."""

    chunk: int
    file: str
    rows: int
    bytes: int | None = None
    crc32c: str | None = None
    deliveries: list[ChunkDelivery]
