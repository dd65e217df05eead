"""How many jobs of an organization may be in flight, recorded in `organizations/{organization}`.

``{last_created, most_jobs_in_flight}``: every commit that records a job writes the first and requires the
document as it was before the organization's jobs were counted. So of two requests for the last place one
counts again, and no count is kept that could drift from the jobs themselves.
"""

from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of
from shared.errors import TooManyJobs
from shared.jobs import Job, JobStatus

Snapshot = firestore.DocumentSnapshot[Any]

_IN_FLIGHT = [status.value for status in JobStatus if not status.is_terminal]


def organization_reference(client: firestore.Client, organization_id: str) -> firestore.DocumentReference:
    return client.document("organizations", organization_id)


def require_room(client: firestore.Client, organization_id: str, most: int) -> Snapshot:
    """The organization's record as it was before its jobs were counted; TooManyJobs at its limit.

    ``most`` holds for an organization without a limit of its own.
    """
    organization = organization_reference(client, organization_id).get(retry=RETRY, timeout=TIMEOUT)
    own = fields_of(organization).get("most_jobs_in_flight")
    limit = most if own is None else int(own)
    jobs = client.collection("organizations", organization_id, "jobs")
    in_flight = jobs.where(filter=FieldFilter("status", "in", _IN_FLIGHT)).limit(max(limit, 1))
    # The client's types say that get() is a class's, and its answer flat.
    counted: Any = in_flight.count(alias="jobs").get(retry=RETRY, timeout=TIMEOUT)  # type: ignore[call-arg]
    if int(counted[0][0].value) >= limit:
        raise TooManyJobs(
            f"Your organization has {limit} backfills that have not ended, which is its limit: try again when"
            " one has, or cancel one"
        )
    return organization


def take_place(batch: firestore.WriteBatch, job: Job, organization: Snapshot) -> None:
    """Have the batch record the job only if no other was recorded since the count."""
    fields = {"last_created": job.job_id}
    if organization.exists:
        option = firestore.Client.write_option(last_update_time=organization.update_time)
        batch.update(organization.reference, fields, option=option)
    else:
        batch.create(organization.reference, fields)


def set_limit(client: firestore.Client, organization_id: str, most: int | None) -> None:
    """Give the organization a limit of its own, or with None the service's again."""
    reference = organization_reference(client, organization_id)
    fields = {"most_jobs_in_flight": firestore.DELETE_FIELD if most is None else most}
    reference.set(fields, merge=True, retry=RETRY, timeout=TIMEOUT)
