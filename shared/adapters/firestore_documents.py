"""The Firestore documents of the domain's values: paths, fields, and conversions in both directions.

api_keys/{sha256}
organizations/{organization}                                number and limit of jobs in flight
organizations/{organization}/jobs/{job}                     the job
…/jobs/{job}/filter/{part}                                  its filter's values, as JSON text in parts
…/jobs/{job}/counts/{shard}                                 chunks and rows left to deliver
…/jobs/{job}/destinations/{uid}                             a destination's last error and requested wait
…/jobs/{job}/attempts/{attempt}/chunks/{number}             a chunk
…/jobs/{job}/attempts/{attempt}/delivered/{number}          marks the chunk as counted
…/jobs/{job}/attempts/{attempt}/deliveries/{number}-{uid}   the delivery of a chunk to a destination
organizations/{organization}/topics/topic-{name}            the jobs that name and created a Kafka topic
organizations/{organization}/rates/{what}                   the number of requests in this minute
organizations/{organization}/idempotency_keys/{sha256}      the job that was created with a key
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.api_core.exceptions import Aborted, DeadlineExceeded, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore
from google.cloud.firestore_v1.query import Query

from shared import destinations
from shared.adapters.firestore_older import belongs_to, concluded
from shared.adapters.google_errors import reaching
from shared.domain.chunks import Chunk
from shared.domain.columns import Choice, Column, JsonKind, TableType
from shared.domain.idempotency import Idempotency
from shared.domain.jobs import (
    Attempt,
    FilterValue,
    Job,
    JobStatus,
    Window,
)
from shared.domain.oversized import OversizedRow, Skipped
from shared.domain.pieces import NOT_SPLIT, Ceiling, Piece, Splits

Item = TypeVar("Item")

# The clients' defaults wait for minutes. Callers of the API and ack deadlines cannot wait that long.
TIMEOUT = 10.0
RETRY = Retry(
    predicate=if_exception_type(Aborted, DeadlineExceeded, ServiceUnavailable),
    initial=0.05,
    maximum=1.0,
    # No longer than the call's timeout: a retry that begins after it would get the full timeout again.
    timeout=TIMEOUT,
)
CALL: Mapping[str, Any] = {"retry": RETRY, "timeout": TIMEOUT}
DONE = "done"
"""The state of a delivery whose destination has the chunk."""
RACES = 20
"""How often a write is retried after a concurrent write of the same document."""

# Firestore limits documents to 1 MiB and commits to 10 MiB. The API's body limit keeps a filter below 2 MiB.
_FILTER_PART = 400_000
_PAGE = 1000


def job_reference(client: firestore.Client, organization_id: str, job_id: str) -> firestore.DocumentReference:
    reference: firestore.DocumentReference = client.document("organizations", organization_id, "jobs", job_id)
    return reference


def topic_reference(client: firestore.Client, organization_id: str, name: str) -> firestore.DocumentReference:
    # Firestore reserves ids like __name__, but a destination may have such a name.
    return client.document("organizations", organization_id, "topics", f"topic-{name}")


def attempt_reference(client: firestore.Client, job: Job) -> firestore.DocumentReference:
    attempts = job_reference(client, job.organization_id, job.job_id).collection("attempts")
    reference: firestore.DocumentReference = attempts.document(job.require_attempt().attempt_id)
    return reference


def fields_of(snapshot: firestore.DocumentSnapshot[Any]) -> Mapping[str, Any]:
    """Return the document's fields, or an empty mapping if the document does not exist."""
    return snapshot.to_dict() or {}


def job_fields(job: Job) -> dict[str, Any]:
    """Return the job as a document's fields."""
    fields = {field.name: getattr(job, field.name) for field in dataclasses.fields(Job)}
    return fields | {
        "status": job.status.value,
        "window": dataclasses.asdict(job.window),
        "destinations": [destinations.fields_of(destination) for destination in job.destinations],
        "attempt": dataclasses.asdict(job.attempt) if job.attempt else None,
        "idempotency": dataclasses.asdict(job.idempotency) if job.idempotency else None,
        "columns": [_column_fields(column) for column in job.columns],
        "column_types": [
            {"column": column.name, **dataclasses.asdict(column.type)}
            for column in job.columns
            if column.type
        ],
        "chosen": [dataclasses.asdict(choice) for choice in job.chosen],
        **belongs_to(job),
    }


def job_from(snapshot: firestore.DocumentSnapshot[Any]) -> Job:
    """Return the job from its document. A document of an older release lacks fields that were added later.
    After a rollback, a document of the newer release has unknown fields.
    """
    stored = fields_of(snapshot)
    fields = _known(Job, stored) | concluded(stored)
    attempt, idempotency = fields["attempt"], fields.get("idempotency")
    return Job(
        **fields
        | {
            "status": JobStatus(fields["status"]),
            "window": Window(**fields["window"]),
            "destinations": tuple(destinations.destination(**one) for one in fields["destinations"]),
            "attempt": _attempt(attempt) if attempt else None,
            "columns": _columns(fields["columns"], stored.get("column_types", ())),
            "chosen": tuple(Choice(**choice) for choice in fields.get("chosen", ())),
            "idempotency": Idempotency(**idempotency) if idempotency else None,
            "time_created": plain_time(fields["time_created"]),
            "time_retried": plain_time(fields.get("time_retried")),
            "time_completed": plain_time(fields["time_completed"]),
            "time_nudged": plain_time(fields["time_nudged"]),
            "time_paused": plain_time(fields.get("time_paused")),
            "time_resumed": plain_time(fields.get("time_resumed")),
            "records_until": plain_time(fields.get("records_until")),
            "unreconciled_since": plain_time(fields["unreconciled_since"]),
        }
    )


def _column_fields(column: Column) -> dict[str, Any]:
    """Return the column without its type, which is a field of the job: an older release passes over what it
    does not know there, but not here.
    """
    fields = dataclasses.asdict(column) | {"kind": column.kind.value}
    del fields["type"]
    return fields


def _columns(columns: Sequence[dict[str, Any]], types: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    of = {one["column"]: TableType(one["name"], one["precision"], one["scale"]) for one in types}
    return tuple(
        Column(**column | {"kind": JsonKind(column["kind"]), "type": of.get(column["name"])})
        for column in columns
    )


def chunk_from(snapshot: firestore.DocumentSnapshot[Any]) -> Chunk:
    fields = fields_of(snapshot)
    return Chunk(fields["number"], fields["name"], fields["size"], fields["rows"], fields["delivered"])


def skipped_fields(skipped: Skipped) -> dict[str, Any]:
    """Return a delivery's skipped rows as fields. The rows' names are one text, because Firestore would index
    each item of a list.
    """
    names = [dataclasses.astuple(row) for row in skipped.named]
    return {
        "rows_skipped": skipped.rows,
        "skipped": json.dumps(names, ensure_ascii=False),
        "skips": True,
    }


def skipped_from(fields: Mapping[str, Any]) -> Skipped:
    """Return a delivery's skipped rows. Most deliveries have none and lack these fields."""
    named = tuple(OversizedRow(*name) for name in json.loads(fields.get("skipped", "[]")))
    return Skipped(fields.get("rows_skipped", 0), named)


def splits_fields(splits: Splits) -> dict[str, Any]:
    """Return a delivery's splits as one text, because Firestore would index each item of a list."""
    parts = [splits.acknowledged, sorted(splits.refused), splits.ceilings]
    return {"splits": json.dumps(parts, separators=(",", ":"))}


def splits_from(fields: Mapping[str, Any]) -> Splits:
    """Return a delivery's splits. Most deliveries have none and lack this field."""
    if "splits" not in fields:
        return NOT_SPLIT
    acknowledged, refused, ceilings = json.loads(fields["splits"])
    return Splits(
        acknowledged,
        frozenset(Piece(*piece) for piece in refused),
        tuple(Ceiling(*ceiling) for ceiling in ceilings),
    )


def chunk_id(number: int) -> str:
    """Return an id that sorts like the number. A job has at most a few million chunks."""
    return f"{number:08d}"


def delivery_id(chunk: int, uid: str) -> str:
    return f"{chunk_id(chunk)}-{uid}"


def filter_parts(values: Sequence[FilterValue]) -> list[str]:
    """Return the values' JSON text in parts that fit into a document."""
    text = json.dumps(list(values))
    return [text[start : start + _FILTER_PART] for start in range(0, len(text), _FILTER_PART)]


def filter_from(parts: Sequence[str]) -> list[FilterValue]:
    values: list[FilterValue] = json.loads("".join(parts))
    return values


def in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def paged(
    query: Query, start: firestore.DocumentReference | None = None, size: int = _PAGE
) -> Iterator[firestore.DocumentSnapshot[Any]]:
    """Yield a query's documents in the order of their ids, from ``start``, page by page. One long stream
    would run into its timeout, as would a stream that waits for its reader.
    """
    first = query.order_by("__name__").limit(size)
    if start is not None:
        first = first.start_at({"__name__": start})
    page: list[firestore.DocumentSnapshot[Any]] = []
    while not page or len(page) == size:
        following = first.start_after(page[-1]) if page else first
        with reaching("the job store"):
            page = list(following.stream(retry=RETRY, timeout=TIMEOUT))
        if not page:
            return
        yield from page


def _known(kind: type[Job | Attempt], fields: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in fields.items() if name in known}


def _attempt(fields: Mapping[str, Any]) -> Attempt:
    return Attempt(**_known(Attempt, fields) | {"claimed_at": plain_time(fields["claimed_at"])})


def plain_time(value: datetime | None) -> datetime | None:
    """Return a plain datetime. Firestore returns its own class, which has nanoseconds."""
    if value is None:
        return None
    return datetime.fromisoformat(value.astimezone(UTC).isoformat(timespec="microseconds"))
