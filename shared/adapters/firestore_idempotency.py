"""Idempotency keys in Firestore. A key's document is ``{job_id, expires}``, written in the job's own commit.

Firestore's TTL deletes a document some time, at most a few days, after ``expires``. Until then this module
checks the time itself.
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
    """Return the id of the job that has the key."""
    job_id: str | None = fields_of(snapshot).get("job_id")
    return job_id


def has_expired(snapshot: Snapshot, job: Job) -> bool:
    """Return whether the key had expired when the job was created."""
    return bool(fields_of(snapshot)["expires"] <= job.time_created)


def claim_key(batch: firestore.WriteBatch, job: Job, snapshot: Snapshot) -> None:
    """Add to the batch: give the key to the job. The batch fails if the key has changed since it was read."""
    fields = {"job_id": job.job_id, "expires": job.time_created + KEY_LIFETIME}
    if snapshot.exists:
        batch.update(snapshot.reference, fields, option=_as_read(snapshot))
    else:
        batch.create(snapshot.reference, fields)


def free_key(batch: firestore.WriteBatch, job: Job, snapshot: Snapshot) -> None:
    """Add to the batch: delete the key if the job has it."""
    if owner(snapshot) == job.job_id:
        batch.delete(snapshot.reference, option=_as_read(snapshot))


def _as_read(snapshot: Snapshot) -> Any:
    return firestore.Client.write_option(last_update_time=snapshot.update_time)
