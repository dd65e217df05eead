"""A job's destinations in Firestore: how far each is, what keeps it from going on, what it asked for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import CALL, attempt_reference, fields_of, job_reference
from shared.domain.jobs import Job
from shared.steps.ports import DestinationProgress

# Nobody waits for it but a function, and a second try would take as long.
_SUMMING: Mapping[str, Any] = {"retry": None, "timeout": 20.0}


def record_error(
    client: firestore.Client, job: Job, uid: str, message: str, wait_until: datetime | None
) -> None:
    """A wish stays beside later errors: a request that was under way when it came says nothing of it."""
    fields: dict[str, Any] = {"last_error": message, "retry": job.retry}
    if wait_until is not None:
        fields["asked"] = {"until": wait_until, "retry": job.retry}
    _collection(client, job).document(uid).set(fields, merge=True, **CALL)


def asked_to_wait(client: firestore.Client, job: Job, uid: str) -> datetime | None:
    asked = fields_of(_collection(client, job).document(uid).get(**CALL)).get("asked", {})
    return asked["until"] if asked.get("retry") == job.retry else None


def progress(client: firestore.Client, job: Job) -> Mapping[str, DestinationProgress]:
    errors: dict[str, str] = {}
    for snapshot in _collection(client, job).stream(**CALL):
        fields = fields_of(snapshot)
        if fields.get("retry", 0) == job.retry:
            errors[snapshot.id] = fields["last_error"]
    return {
        destination.uid: _progress(client, job, destination.uid, errors.get(destination.uid))
        for destination in job.destinations
    }


def rows_done(client: firestore.Client, job: Job) -> Mapping[str, int]:
    """DeadlineExceeded for a job of very many chunks."""
    return {one.uid: _progress(client, job, one.uid, None, _SUMMING).rows_done for one in job.destinations}


def _progress(
    client: firestore.Client, job: Job, uid: str, last_error: str | None, call: Mapping[str, Any] = CALL
) -> DestinationProgress:
    if job.num_chunks is None:
        return DestinationProgress(0, 0, last_error)
    done = (
        attempt_reference(client, job)
        .collection("deliveries")
        .where(filter=FieldFilter("destination", "==", uid))
        .where(filter=FieldFilter("state", "==", "done"))
    )
    answers = done.count(alias="chunks").sum("rows", alias="rows").get(**call)
    values = {value.alias: int(value.value or 0) for value in answers[0]}
    return DestinationProgress(values["chunks"], values["rows"], last_error)


def _collection(client: firestore.Client, job: Job) -> firestore.CollectionReference:
    reference = job_reference(client, job.organization_id, job.job_id)
    destinations: firestore.CollectionReference = reference.collection("destinations")
    return destinations
