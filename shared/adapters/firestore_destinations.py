"""A job's destinations in Firestore: each one's progress, last error, and requested wait."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import CALL, attempt_reference, fields_of, job_reference
from shared.domain.jobs import Job
from shared.steps.records import DestinationProgress

# Only a function waits for this, and a retry would take as long.
_SUMMING: Mapping[str, Any] = {"retry": None, "timeout": 20.0}


def record_error(
    client: firestore.Client, job: Job, uid: str, message: str, wait_until: datetime | None
) -> None:
    """Record the error. A requested wait stays recorded, because a request that was already in flight may
    report a later error without it.
    """
    fields: dict[str, Any] = {"last_error": message, "retry": job.retry}
    if wait_until is not None:
        fields["asked"] = {"until": wait_until, "retry": job.retry}
    _collection(client, job).document(uid).set(fields, merge=True, **CALL)


def asked_to_wait(client: firestore.Client, job: Job, uid: str) -> datetime | None:
    asked = fields_of(_collection(client, job).document(uid).get(**CALL)).get("asked", {})
    return asked["until"] if asked.get("retry") == job.retry else None


def progress(client: firestore.Client, job: Job) -> Mapping[str, DestinationProgress]:
    found = {snapshot.id: fields_of(snapshot) for snapshot in _collection(client, job).stream(**CALL)}
    return {
        destination.uid: _with_record(
            _progress(client, job, destination.uid), found.get(destination.uid, {}), job.retry
        )
        for destination in job.destinations
    }


def _with_record(progress: DestinationProgress, record: Mapping[str, Any], retry: int) -> DestinationProgress:
    """Combine the progress from the deliveries with the destination's own record."""
    return DestinationProgress(
        progress.chunks_done + record.get("chunks_removed", 0),
        progress.rows_done + record.get("rows_removed", 0),
        record.get("last_error") if record.get("retry", 0) == retry else None,
    )


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
    return {one.uid: _progress(client, job, one.uid, _SUMMING).rows_done for one in job.destinations}


def _progress(
    client: firestore.Client, job: Job, uid: str, call: Mapping[str, Any] = CALL
) -> DestinationProgress:
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
