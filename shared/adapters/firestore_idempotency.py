"""Which job was created with a client's key: ``{job_id, expires}``, written in the job's own commit.

``expires`` is for Firestore's TTL, which removes a document up to some days later: until then it is
looked at here.
"""

from typing import Any

from google.cloud import firestore

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of
from shared.domain.idempotency import KEY_LIFETIME, Idempotency
from shared.domain.jobs import Job

Snapshot = firestore.DocumentSnapshot[Any]


def read_key(client: firestore.Client, job: Job, key: Idempotency) -> Snapshot:
    reference = client.document("organizations", job.organization_id, "idempotency_keys", key.key)
    return reference.get(retry=RETRY, timeout=TIMEOUT)


def owner(snapshot: Snapshot) -> str | None:
    """The id of the job that has the key."""
    job_id: str | None = fields_of(snapshot).get("job_id")
    return job_id


def has_expired(snapshot: Snapshot, job: Job) -> bool:
    """Whether the key was free again when the job was created."""
    return bool(fields_of(snapshot)["expires"] <= job.time_created)


def claim_key(batch: firestore.WriteBatch, job: Job, snapshot: Snapshot) -> None:
    """Have the batch give the job the key, which must still be as it was read."""
    fields = {"job_id": job.job_id, "expires": job.time_created + KEY_LIFETIME}
    if snapshot.exists:
        batch.update(snapshot.reference, fields, option=_as_read(snapshot))
    else:
        batch.create(snapshot.reference, fields)


def free_key(batch: firestore.WriteBatch, job: Job, snapshot: Snapshot) -> None:
    """Have the batch take the key back, if the job has it."""
    if owner(snapshot) == job.job_id:
        batch.delete(snapshot.reference, option=_as_read(snapshot))


def _as_read(snapshot: Snapshot) -> Any:
    return firestore.Client.write_option(last_update_time=snapshot.update_time)
