"""What happens to jobs, as the operator's metrics and the audit record see it.

Each becomes one entry of the log with the field ``event``; `docs/observability.md` lists them.
Seconds are wall-clock time. An event may be missing or twice after a crash: it counts, it decides nothing.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class OfJob:
    """What happened to one job."""

    organization_id: str
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited(OfJob):
    """Somebody's wish that was granted; ``key_id`` names the API key without telling it."""

    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCreated(Audited):
    """A client created a job."""

    name: ClassVar = "job_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(Audited):
    """A client cancelled a job."""

    name: ClassVar = "job_cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRetried(Audited):
    """A client had a failed job go on."""

    name: ClassVar = "job_retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPaused(Audited):
    """A client paused a job."""

    name: ClassVar = "job_paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResumed(Audited):
    """A client had a paused job go on."""

    name: ClassVar = "job_resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadEnded(OfJob):
    """Snowflake ended a job's query; ``seconds`` since its attempt was claimed."""

    name: ClassVar = "unload_ended"
    attempt_id: str
    state: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkDelivered(OfJob):
    """A destination has a chunk; ``seconds`` and ``rows`` are of the delivery that completed it."""

    name: ClassVar = "chunk_delivered"
    chunk: int
    destination_type: str
    destination: str
    rows: int
    seconds: float
    rows_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsSkipped(OfJob):
    """A destination has a chunk without so many ``rows``, which are larger than it takes; the ``largest`` of
    those that the delivery's record names, in bytes.
    """

    name: ClassVar = "rows_skipped"
    chunk: int
    destination_type: str
    destination: str
    rows: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(OfJob):
    """A job came to its end; ``seconds`` since it was created, or retried; ``error_message`` as the client
    reads it, of a failed one.
    """

    name: ClassVar = "job_ended"
    status: str
    seconds: float
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRetried:
    """A message was not acknowledged: Pub/Sub delivers it again, or gives it up."""

    name: ClassVar = "message_retried"
    function: str
    kind: str
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeadLettered:
    """A message used up its attempts."""

    name: ClassVar = "message_dead_lettered"
    kind: str
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsCensus:
    """How many jobs of a status the sweep saw; of ended ones, those that are not yet torn down."""

    name: ClassVar = "jobs_census"
    status: str
    count: int


Event = (
    JobCreated
    | JobCancelled
    | JobRetried
    | JobPaused
    | JobResumed
    | UnloadEnded
    | ChunkDelivered
    | RowsSkipped
    | JobEnded
    | MessageRetried
    | MessageDeadLettered
    | JobsCensus
)
Events = Callable[[Event], None]
"""Hears of each event."""


def fields_of(event: Event) -> dict[str, Any]:
    """The event as fields of a log's entry."""
    audit = {"audit": True} if isinstance(event, Audited) else {}
    return {"event": event.name, **audit, **dataclasses.asdict(event)}


def describe() -> str:
    """List all events as a Markdown table."""
    lines = ["| event | fields | what happened |", "|---|---|---|"]
    for kind in Event.__args__:
        names = [field.name for field in dataclasses.fields(kind)]
        if issubclass(kind, Audited):
            names = ["audit", *names]
        fields = ", ".join(f"`{name}`" for name in names)
        told = " ".join((kind.__doc__ or "").split())
        lines.append(f"| `{kind.name}` | {fields} | {told} |")
    return "\n".join(lines) + "\n"
