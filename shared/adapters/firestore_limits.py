"""The number and the limit of an organization's jobs in flight: `organizations/{organization}` =
``{in_flight, most_jobs_in_flight}``.

The commit that begins or ends a job also changes ``in_flight``, so both always agree.
``most_jobs_in_flight`` exists only for an organization with its own limit.
"""

from collections.abc import Callable

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore

from shared.adapters.firestore_documents import RETRY, TIMEOUT, fields_of, paged
from shared.adapters.google_errors import reaching
from shared.domain.errors import Busy, TooManyJobs
from shared.domain.jobs import Job, JobStatus

# A changed limit takes effect after this many seconds.
CACHE_SECONDS = 30.0
_ENDED = {status.value for status in JobStatus if status.is_terminal}


class Limits:
    """``most`` is the limit of an organization without its own limit; ``monotonic`` never decreases."""

    def __init__(self, client: firestore.Client, most: int, monotonic: Callable[[], float]) -> None:
        self._client = client
        self._most = most
        self._monotonic = monotonic
        self._cache: dict[str, tuple[int, float]] = {}

    def require_room(self, organization_id: str) -> None:
        """Raise TooManyJobs if the organization has reached its limit."""
        in_flight, limit = self._read(organization_id)
        if in_flight >= limit:
            raise TooManyJobs(
                f"Your organization has reached its limit of {limit} backfills that have not ended. Try again"
                " when one has ended, or cancel one"
            )

    def hold(self, organization_id: str, in_flight: int | None) -> bool:
        """Return whether ``in_flight`` jobs are within the limit. If it is None, read the current number."""
        known = self._cache.get(organization_id)
        if in_flight is None or known is None or self._monotonic() >= known[1]:
            found, limit = self._read(organization_id)
            return (found if in_flight is None else in_flight) <= limit
        return in_flight <= known[0]

    def _read(self, organization_id: str) -> tuple[int, int]:
        with reaching("the job store"):
            snapshot = _reference(self._client, organization_id).get(retry=RETRY, timeout=TIMEOUT)
        fields = fields_of(snapshot)
        limit = int(fields.get("most_jobs_in_flight", self._most))
        self._cache[organization_id] = (limit, self._monotonic() + CACHE_SECONDS)
        return int(fields.get("in_flight", 0)), limit


def count(
    client: firestore.Client, batch: firestore.WriteBatch, before: Job | None, after: Job | None
) -> None:
    """Add to the batch: count the job if the change begins or ends it. None means that there is no job."""
    job = after or before
    change = _flies(after) - _flies(before)
    if job is not None and change:
        fields = {"in_flight": firestore.Increment(change)}
        batch.set(_reference(client, job.organization_id), fields, merge=True)


def recount(client: firestore.Client, organization_id: str) -> int:
    """Recount the organization's jobs, for example after a restore. Raises Busy if one begins or ends.

    A status that only a newer release knows counts as in flight.
    """
    reference = _reference(client, organization_id)
    with reaching("the job store"):
        before = reference.get(retry=RETRY, timeout=TIMEOUT)
        jobs = paged(client.collection("organizations", organization_id, "jobs").select(["status"]))
        found = sum(job.get("status") not in _ENDED for job in jobs)
        if before.exists:
            option = client.write_option(last_update_time=before.update_time)
            try:
                reference.update({"in_flight": found}, option, retry=RETRY, timeout=TIMEOUT)
            except FailedPrecondition as error:
                raise Busy("a job began or ended during the count: count again") from error
    return found


def set_limit(client: firestore.Client, organization_id: str, most: int | None) -> None:
    """Set the organization's own limit. None restores the service's default."""
    fields = {"most_jobs_in_flight": firestore.DELETE_FIELD if most is None else most}
    _reference(client, organization_id).set(fields, merge=True, retry=RETRY, timeout=TIMEOUT)


def _reference(client: firestore.Client, organization_id: str) -> firestore.DocumentReference:
    return client.document("organizations", organization_id)


def _flies(job: Job | None) -> int:
    return int(job is not None and not job.status.is_terminal)
