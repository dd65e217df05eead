"""Reading the jobs of other releases.

After a rollback, a job of the newer release may have a kind of destination or a status that this one does not
know. Such a job waits for a release that reads it. It must not stop the jobs beside it.
"""

from collections.abc import Iterable
from typing import Any

from google.cloud import firestore

from shared.adapters.firestore_documents import job_from
from shared.domain.errors import JobUnreadable
from shared.domain.events import Events, JobPassedOver
from shared.domain.jobs import Job

Snapshot = firestore.DocumentSnapshot[Any]


def read_job(snapshot: Snapshot) -> Job:
    """Return the job from its document. Raises JobUnreadable if this release does not understand it."""
    try:
        return job_from(snapshot)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise JobUnreadable(detail=f"{snapshot.reference.path}: {error!r}") from error


def readable(snapshots: Iterable[Snapshot], events: Events) -> list[Job]:
    """Return the jobs from their documents, and report each one that this release does not understand."""
    found = []
    for snapshot in snapshots:
        try:
            found.append(read_job(snapshot))
        except JobUnreadable:
            organization = snapshot.reference.parent.parent
            events(JobPassedOver(organization_id=organization.id, job_id=snapshot.id))
    return found
