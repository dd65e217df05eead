"""The removal of old records from Firestore. Each commit deletes one page of documents."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import firestore_destinations
from shared.adapters.firestore_documents import CALL, DONE, fields_of, job_reference
from shared.adapters.firestore_readable import readable
from shared.adapters.google_errors import reaching
from shared.domain.events import Events
from shared.domain.jobs import Job
from shared.steps.records import DestinationProgress

# Deliveries come first, because their numbers are still counted.
_COLLECTIONS = ("deliveries", "delivered", "chunks")
_PAGE = 400

Snapshots = Sequence[firestore.DocumentSnapshot[Any]]


class FirestoreRetention:
    """Implements the port Retention. ``events`` receives the jobs that cannot be read."""

    def __init__(self, client: firestore.Client, events: Events) -> None:
        self._client = client
        self._events = events

    def due(self, now: datetime, most: int) -> Sequence[Job]:
        query = (
            self._client.collection_group("jobs")
            .where(filter=FieldFilter("records_until", "<=", now))
            .order_by("records_until")
            .limit(most)
        )
        page: Snapshots | None = None
        found: list[Job] = []
        # Go on behind jobs that cannot be read, however many they are.
        while page is None or (not found and len(page) == most):
            following = query.start_after(page[-1]) if page else query
            with reaching("the job store"):
                page = list(following.stream(**CALL))
            found = readable(page, self._events)
        return found

    def remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        """Remove the records of all staging attempts. A crashed attempt may have left some, too."""
        attempts = job_reference(self._client, job.organization_id, job.job_id).collection("attempts")
        with reaching("the job store"):
            # An attempt has no document of its own. This call lists it nevertheless.
            found = list(attempts.list_documents(**CALL))
        return all(
            self._remove_all(job, attempt.collection(name), time_is_left)
            for attempt in found
            for name in _COLLECTIONS
        )

    def _remove_all(
        self, job: Job, collection: firestore.CollectionReference, time_is_left: Callable[[], bool]
    ) -> bool:
        query = collection.select(["destination", "state", "rows"]).order_by("__name__").limit(_PAGE)
        page: Snapshots | None = None
        while page is None or len(page) == _PAGE:
            if not time_is_left():
                return False
            # Start after the last document: otherwise Firestore scans every deleted document again.
            with reaching("the job store"):
                page = list((query.start_after(page[-1]) if page else query).stream(**CALL))
            if page and not self._remove_page(job, page):
                return False
        return True

    def _remove_page(self, job: Job, page: Snapshots) -> bool:
        """Remove a page of documents. Return False if one of them no longer exists: another run removed it,
        or this run did and the answer was lost.

        The batch removes and counts all documents or none, so nothing is counted twice.
        """
        batch = self._client.batch()
        for snapshot in page:
            batch.delete(snapshot.reference, option=self._client.write_option(exists=True))
        chunks, rows = Counter[str](), Counter[str]()
        for fields in map(fields_of, page):
            if fields.get("state") == DONE:
                chunks[fields["destination"]] += 1
                rows[fields["destination"]] += fields["rows"]
        removed = {uid: DestinationProgress(number, rows[uid], None) for uid, number in chunks.items()}
        firestore_destinations.count_removed(self._client, batch, job, removed)
        with reaching("the job store"):
            try:
                batch.commit(**CALL)
            except NotFound:
                return False
        return True
