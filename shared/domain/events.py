"""What happens to jobs, as the operator's metrics and the audit log see it.

Each event becomes one log entry with the field ``event``; `docs/observability.md` lists them. Seconds are
wall-clock time. After a crash an event may be missing or appear twice. Events serve counting only, and no
decision depends on them.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class OfJob:
    """Base of all events that concern one job."""

    organization_id: str
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited(OfJob):
    """A client's request that the service granted; ``key_id`` names the API key without revealing it."""

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
    """A client retried a failed job."""

    name: ClassVar = "job_retried"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPaused(Audited):
    """A client paused a job."""

    name: ClassVar = "job_paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResumed(Audited):
    """A client resumed a paused job."""

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
    """A destination has received a chunk. ``seconds`` and ``rows`` are those of the completing delivery."""

    name: ClassVar = "chunk_delivered"
    chunk: int
    destination_type: str
    destination: str
    rows: int
    seconds: float
    rows_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsSkipped(OfJob):
    """A destination has received a chunk without the ``rows`` that exceed its limit; ``largest`` is the size
    in bytes of the largest row that the delivery's record names.
    """

    name: ClassVar = "rows_skipped"
    chunk: int
    destination_type: str
    destination: str
    rows: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStalled(OfJob):
    """No chunk of a job reached all its destinations for ``STALL_LIMIT``: one of them fails, or no attempt
    was seen. The sweep reports the job again after the same time.
    """

    name: ClassVar = "job_stalled"
    chunks_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(OfJob):
    """A job ended; ``seconds`` since it was created or last retried; ``error_message`` is the client's text
    of a failed job.
    """

    name: ClassVar = "job_ended"
    status: str
    seconds: float
    error_message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRetried:
    """A function did not acknowledge a message: Pub/Sub redelivers it, or dead-letters it after its last
    attempt.
    """

    name: ClassVar = "message_retried"
    function: str
    kind: str
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeadLettered:
    """A message used up its delivery attempts."""

    name: ClassVar = "message_dead_lettered"
    kind: str
    tried: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsCensus:
    """How many jobs with a status the sweep saw. Of ended jobs it counts those not torn down yet."""

    name: ClassVar = "jobs_census"
    status: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPassedOver(OfJob):
    """A listing or the sweep left out a job, because this release cannot read its record. A newer one can."""

    name: ClassVar = "job_passed_over"


Event = (
    JobCreated
    | JobCancelled
    | JobRetried
    | JobPaused
    | JobResumed
    | UnloadEnded
    | ChunkDelivered
    | RowsSkipped
    | JobStalled
    | JobEnded
    | MessageRetried
    | MessageDeadLettered
    | JobsCensus
    | JobPassedOver
)
Events = Callable[[Event], None]
"""Receives each event."""


def fields_of(event: Event) -> dict[str, Any]:
    """Return the event as the fields of a log entry."""
    audit = {"audit": True} if isinstance(event, Audited) else {}
    return {"event": event.name, **audit, **dataclasses.asdict(event)}


def describe() -> str:
    """Return all events as a Markdown table."""
    lines = ["| event | fields | what happened |", "|---|---|---|"]
    for kind in Event.__args__:
        names = [field.name for field in dataclasses.fields(kind)]
        if issubclass(kind, Audited):
            names = ["audit", *names]
        fields = ", ".join(f"`{name}`" for name in names)
        told = " ".join((kind.__doc__ or "").split())
        lines.append(f"| `{kind.name}` | {fields} | {told} |")
    return "\n".join(lines) + "\n"
