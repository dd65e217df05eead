"""A job's destinations in Firestore: each one's progress, last error, and requested wait."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import CALL, attempt_reference, fields_of, job_reference
from shared.adapters.google_errors import reaching
from shared.domain.errors import Unavailable
from shared.domain.jobs import Counts, Job
from shared.steps.records import DestinationProgress, counted

# Only a function waits for this, and a retry would take as long.
_SUMMING: Mapping[str, Any] = {"retry": None, "timeout": 20.0}
# A person waits for this, and the counts tell nearly as much.
_SHOWING: Mapping[str, Any] = {"retry": None, "timeout": 4.0}

Records = Mapping[str, Mapping[str, Any]]
"""The destinations' own records by uid."""


def record_error(
    client: firestore.Client, job: Job, uid: str, message: str, *, now: datetime, wait_until: datetime | None
) -> None:
    """Record the error. A requested wait stays recorded, because a request that was already in flight may
    report a later error without it.
    """
    fields: dict[str, Any] = {"last_error": message, "retry": job.retry}
    if wait_until is None:
        fields["failed"] = {"at": now, "retry": job.retry}
    else:
        fields["asked"] = {"until": wait_until, "retry": job.retry}
    _collection(client, job).document(uid).set(fields, merge=True, **CALL)


def asked_to_wait(client: firestore.Client, job: Job, uid: str) -> datetime | None:
    asked = fields_of(_collection(client, job).document(uid).get(**CALL)).get("asked", {})
    return asked["until"] if asked.get("retry") == job.retry else None


def last_failure(client: firestore.Client, job: Job) -> datetime | None:
    failures = [record.get("failed", {}) for record in records(client, job).values()]
    return max((one["at"] for one in failures if one.get("retry") == job.retry), default=None)


def progress(client: firestore.Client, job: Job) -> Mapping[str, DestinationProgress]:
    found = records(client, job)
    return {
        uid: _with_record(one.result(), found.get(uid, {}), job)
        for uid, one in _sums(client, job, CALL).items()
    }


def counted_with_records(job: Job, counts: Counts | None, found: Records) -> dict[str, DestinationProgress]:
    """Return what the counts and the records tell of each destination's progress."""
    return {
        uid: replace(least, last_error=_last_error(found.get(uid, {}), job.retry))
        for uid, least in counted(job, counts).items()
    }


def summed_soon(client: firestore.Client, job: Job, found: Records) -> dict[str, DestinationProgress]:
    """Return the progress of those destinations whose deliveries Firestore sums within some seconds, all at
    once. It reads an index entry for each chunk that a destination has.
    """
    summed = {}
    for uid, one in _sums(client, job, _SHOWING).items():
        with suppress(Unavailable), reaching("the job store"):
            summed[uid] = _with_record(one.result(), found.get(uid, {}), job)
    return summed


def last_errors(client: firestore.Client, job: Job) -> Mapping[str, str]:
    found = {uid: _last_error(record, job.retry) for uid, record in records(client, job).items()}
    return {uid: error for uid, error in found.items() if error is not None}


def records(client: firestore.Client, job: Job) -> Records:
    """Return the destinations' own records by uid; most destinations have none."""
    return {snapshot.id: fields_of(snapshot) for snapshot in _collection(client, job).stream(**CALL)}


def _last_error(record: Mapping[str, Any], retry: int) -> str | None:
    return record.get("last_error") if record.get("retry", 0) == retry else None


def _with_record(progress: DestinationProgress, record: Mapping[str, Any], job: Job) -> DestinationProgress:
    """Combine the progress from the deliveries with the destination's own record.

    If nothing of the job is removed, a restore has brought back the deliveries that were removed and counted.
    """
    removed = record if job.records_removed else {}
    return DestinationProgress(
        progress.chunks_done + removed.get("chunks_removed", 0),
        progress.rows_done + removed.get("rows_removed", 0),
        _last_error(record, job.retry),
    )


def begin_removal(client: firestore.Client, batch: firestore.WriteBatch, before: Job, after: Job) -> None:
    """Add to the batch: if the change begins the removal of deliveries, count from 0. A removal from before a
    restore may have counted the same deliveries.
    """
    if after.records_removed and not before.records_removed:
        for destination in after.destinations:
            counts = {"chunks_removed": 0, "rows_removed": 0}
            batch.set(_collection(client, after).document(destination.uid), counts, merge=True)


def count_removed(
    client: firestore.Client,
    batch: firestore.WriteBatch,
    job: Job,
    removed: Mapping[str, DestinationProgress],
) -> None:
    """Add to the batch: count the deliveries that it removes in their destination's record."""
    for uid, done in removed.items():
        counts = {
            "chunks_removed": firestore.Increment(done.chunks_done),
            "rows_removed": firestore.Increment(done.rows_done),
        }
        batch.set(_collection(client, job).document(uid), counts, merge=True)


def rows_done(client: firestore.Client, job: Job) -> Mapping[str, int]:
    """Return the rows done by destination. Raises DeadlineExceeded for a job with very many chunks."""
    return {uid: one.result().rows_done for uid, one in _sums(client, job, _SUMMING).items()}


def _sums(
    client: firestore.Client, job: Job, call: Mapping[str, Any]
) -> Mapping[str, Future[DestinationProgress]]:
    """Sum every destination's deliveries at once. Return the ended sums, of which each may have failed."""
    with ThreadPoolExecutor(len(job.destinations), "sums") as pool:
        return {one.uid: pool.submit(_progress, client, job, one.uid, call) for one in job.destinations}


def _progress(client: firestore.Client, job: Job, uid: str, call: Mapping[str, Any]) -> DestinationProgress:
    if job.num_chunks is None:
        return DestinationProgress(0, 0, None)
    done = (
        attempt_reference(client, job)
        .collection("deliveries")
        .where(filter=FieldFilter("destination", "==", uid))
        .where(filter=FieldFilter("state", "==", "done"))
    )
    answers = done.count(alias="chunks").sum("rows", alias="rows").get(**call)
    values = {value.alias: int(value.value or 0) for value in answers[0]}
    return DestinationProgress(values["chunks"], values["rows"], None)


def _collection(client: firestore.Client, job: Job) -> firestore.CollectionReference:
    reference = job_reference(client, job.organization_id, job.job_id)
    destinations: firestore.CollectionReference = reference.collection("destinations")
    return destinations
