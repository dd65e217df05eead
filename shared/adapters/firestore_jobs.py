"""The record of jobs in Firestore.

A change is a write with the precondition that the document has not changed since it was read. The store holds
no locks, so a crashed process leaves nothing that others must wait for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from google.api_core.exceptions import AlreadyExists, DeadlineExceeded, FailedPrecondition, NotFound
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import firestore_destinations
from shared.adapters.firestore_documents import (
    CALL,
    RACES,
    fields_of,
    filter_parts,
    job_fields,
    job_reference,
    topic_reference,
)
from shared.adapters.firestore_idempotency import claim_key, free_key, has_expired, owner, read_key
from shared.adapters.firestore_limits import Limits, count
from shared.adapters.firestore_listings import read_counts, read_filters
from shared.adapters.firestore_older import changes
from shared.adapters.firestore_readable import read_job, readable
from shared.adapters.firestore_receipts import first_unequal, sum_rows_done
from shared.adapters.google_errors import reaching
from shared.adapters.job_events import end_of
from shared.domain.errors import StaleMessage, Unavailable
from shared.domain.events import Events
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus

_TRIES = 3


class FirestoreJobs:
    """Implements the port Jobs. ``events`` receives ends of jobs, and unreadable jobs."""

    def __init__(self, client: firestore.Client, events: Events, limits: Limits | None = None) -> None:
        self._client = client
        self._events = events
        self._limits = limits

    def create(self, job: Job, filter_values: Sequence[FilterValue]) -> str | None:
        """Record the job. The same commit counts it and returns the number of jobs in flight.

        A job over the limit is removed again. It was not confirmed, so no client has seen it. If this process
        crashes first, the sweep removes the job. The job stays if a concurrent request with the same
        idempotency key has confirmed it meanwhile, because that request's client was told so.
        """
        for _ in range(_TRIES):
            first, in_flight = self._record(job, filter_values)
            if first is not None or self._limits is None or self._limits.hold(job.organization_id, in_flight):
                return first
            if not self.remove_unconfirmed(job):
                return None
            # Concurrent requests may have been recorded and removed as well. Check again for room.
            self.require_room(job.organization_id)
        raise Unavailable("the job store", detail="many jobs of the organization are created at once")

    def _record(self, job: Job, filter_values: Sequence[FilterValue]) -> tuple[str | None, int | None]:
        """Record the job. Return the id of another job that has the key, and the number of jobs in flight if
        the commit returned it.
        """
        with reaching("the job store"):
            for _ in range(RACES):
                batch = self._new_job(job, filter_values)
                if job.idempotency is not None:
                    key = read_key(self._client, job, job.idempotency)
                    if key.exists and not has_expired(key, job):
                        return (None if owner(key) == job.job_id else owner(key)), None
                    claim_key(batch, job, key)
                try:
                    counted = batch.commit(**CALL)[0].transform_results
                except (AlreadyExists, FailedPrecondition, NotFound):
                    if job.idempotency is not None:
                        continue
                    # Ids are random, so this is our own first attempt, whose answer was lost.
                    return None, None
                return None, int(counted[0].integer_value) if counted else None
        raise Unavailable("the job store", detail="the key of a new job kept changing")

    def require_room(self, organization_id: str) -> None:
        if self._limits is not None:
            self._limits.require_room(organization_id)

    def remove_unconfirmed(self, job: Job) -> bool:
        with reaching("the job store"):
            for _ in range(RACES):
                snapshot = self._reference(job).get(**CALL)
                if not snapshot.exists:
                    return True
                stored = read_job(snapshot)
                if stored.confirmed:
                    return False
                batch = self._client.batch()
                option = self._client.write_option(last_update_time=snapshot.update_time)
                batch.delete(snapshot.reference, option=option)
                count(self._client, batch, stored, None)
                for number in range(stored.filter_parts):
                    batch.delete(snapshot.reference.collection("filter").document(str(number)))
                for topic in self._topics(stored):
                    batch.set(topic, {"jobs": firestore.Increment(-1)}, merge=True)
                if stored.idempotency is not None:
                    free_key(batch, stored, read_key(self._client, stored, stored.idempotency))
                try:
                    batch.commit(**CALL)
                except (FailedPrecondition, NotFound):
                    continue
                return True
        raise Unavailable("the job store", detail="the job kept changing while it was being removed")

    def get(self, organization_id: str, job_id: str) -> Job | None:
        with reaching("the job store"):
            snapshot = job_reference(self._client, organization_id, job_id).get(**CALL)
        return read_job(snapshot) if snapshot.exists else None

    def change(self, organization_id: str, job_id: str, transition: Callable[[Job], Job]) -> Job:
        return self.change_with(organization_id, job_id, transition, lambda _batch, _job: None)

    def change_with(
        self,
        organization_id: str,
        job_id: str,
        transition: Callable[[Job], Job],
        beside: Callable[[firestore.WriteBatch, Job], None],
    ) -> Job:
        """Change the job like ``change``; ``beside`` adds writes to the same commit."""
        with reaching("the job store"):
            for _ in range(RACES):
                snapshot = job_reference(self._client, organization_id, job_id).get(**CALL)
                if not snapshot.exists:
                    raise StaleMessage("there is no such job", detail=job_id)
                before = read_job(snapshot)
                after = transition(before)
                if after == before:
                    return before
                batch = self._client.batch()
                batch.update(
                    snapshot.reference,
                    changes(fields_of(snapshot), job_fields(before), job_fields(after)),
                    option=self._client.write_option(last_update_time=snapshot.update_time),
                )
                count(self._client, batch, before, after)
                firestore_destinations.begin_removal(self._client, batch, before, after)
                beside(batch, after)
                try:
                    batch.commit(**CALL)
                except (FailedPrecondition, NotFound):
                    # Another write came first, or our own first attempt succeeded and its answer was lost.
                    continue
                if (ended := end_of(before, after)) is not None:
                    self._events(ended)
                return after
        raise Unavailable("the job store", detail="the job kept changing during the update")

    def confirm(self, job: Job) -> None:
        """Confirm the job without a read. No transition undoes a confirmation, so nothing is compared."""
        with reaching("the job store"):
            try:
                self._reference(job).update({"confirmed": True}, **CALL)
            except NotFound as error:
                raise StaleMessage("there is no such job", detail=job.job_id) from error

    def filter_values(self, job: Job) -> list[FilterValue]:
        found = read_filters(self._client, [job])
        if job.job_id not in found:
            raise StaleMessage("there is no such job", detail=job.job_id)
        return found[job.job_id]

    def counts(self, job: Job) -> Counts | None:
        return read_counts(self._client, [job])[job.job_id]

    def rows_done(self, job: Job) -> Mapping[str, int]:
        try:
            with reaching("the job store"):
                return firestore_destinations.rows_done(self._client, job)
        except Unavailable as error:
            if not isinstance(error.__cause__, DeadlineExceeded):
                raise
        # Firestore cannot sum this many in time. Read chunk by chunk, so that very large jobs can complete.
        return sum_rows_done(self._client, job)

    def unequal_chunk(self, job: Job, uid: str) -> int | None:
        return first_unequal(self._client, job, uid)

    def transporting(self, organization_id: str, most: int) -> int:
        jobs = self._client.collection("organizations", organization_id, "jobs")
        query = jobs.where(filter=FieldFilter("status", "==", JobStatus.TRANSPORTING.value))
        with reaching("the job store"):
            found = query.select(["time_paused"]).stream(**CALL)
            # Paused jobs must not use up the limit: the sweep counts without them.
            unpaused = (True for snapshot in found if fields_of(snapshot).get("time_paused") is None)
            return sum(islice(unpaused, most))

    def active(self) -> Iterator[Job]:
        unrested = FieldFilter("torn_down", "==", False)
        query = self._client.collection_group("jobs").where(filter=unrested)
        with reaching("the job store"):
            # Read all jobs before handling any, because a stream that waits for its reader times out.
            found = list(query.stream(**CALL))
        yield from readable(found, self._events)

    def wanted(self, job: Job) -> bool:
        """Read only three fields."""
        with reaching("the job store"):
            snapshot = self._reference(job).get(["status", "attempt", "time_paused"], **CALL)
        if not snapshot.exists:
            return False
        fields = fields_of(snapshot)
        same = fields["attempt"]["attempt_id"] == job.require_attempt().attempt_id
        paused = fields.get("time_paused") is not None
        return bool(same and fields["status"] == JobStatus.TRANSPORTING.value and not paused)

    def record_destination_error(
        self, job: Job, uid: str, message: str, now: datetime, wait_until: datetime | None = None
    ) -> None:
        with reaching("the job store"):
            firestore_destinations.record_error(
                self._client, job, uid, message, now=now, wait_until=wait_until
            )

    def last_failure(self, job: Job) -> datetime | None:
        with reaching("the job store"):
            return firestore_destinations.last_failure(self._client, job)

    def asked_to_wait(self, job: Job, uid: str) -> datetime | None:
        with reaching("the job store"):
            return firestore_destinations.asked_to_wait(self._client, job, uid)

    def _new_job(self, job: Job, filter_values: Sequence[FilterValue]) -> firestore.WriteBatch:
        parts = filter_parts(filter_values) if job.filter_column is not None else []
        reference, batch = self._reference(job), self._client.batch()
        count(self._client, batch, None, job)  # first, because create() reads the first result
        batch.create(reference, job_fields(job) | {"filter_parts": len(parts)})
        for number, part in enumerate(parts):
            batch.create(reference.collection("filter").document(str(number)), {"text": part})
        for topic in self._topics(job):
            batch.set(topic, {"jobs": firestore.Increment(1)}, merge=True)
        return batch

    def _reference(self, job: Job) -> firestore.DocumentReference:
        return job_reference(self._client, job.organization_id, job.job_id)

    def _topics(self, job: Job) -> list[firestore.DocumentReference]:
        return [
            topic_reference(self._client, job.organization_id, destination.name)
            for destination in job.destinations
            if destination.traits.owned
        ]
