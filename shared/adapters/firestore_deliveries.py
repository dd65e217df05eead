"""Leases and records of deliveries in Firestore, one document for each (chunk, destination).

Every write of a lease's holder has the time of its last write as a precondition. A handler that takes over
the lease also writes, so Firestore refuses all later writes of the old holder. This does not depend on
clocks. Only the lease's expiry compares the clocks of two machines.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.firestore_documents import (
    DONE,
    RETRY,
    TIMEOUT,
    attempt_reference,
    delivery_id,
    fields_of,
    paged,
    plain_time,
    skipped_fields,
    skipped_from,
    splits_fields,
    splits_from,
)
from shared.adapters.google_errors import reaching
from shared.domain.errors import Busy
from shared.domain.jobs import Job
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.ports import Clock

_LEASED, _RELEASED, _DONE = "leased", "released", DONE


@dataclass(frozen=True, slots=True)
class LeaseTime:
    """The clock, and the length of a lease."""

    now: Clock
    length: timedelta

    def expiry(self) -> datetime:
        return self.now() + self.length


class FirestoreDeliveries:
    """Implements the port Deliveries; ``lease_length`` in seconds; ``new_holder`` names a lease's holder."""

    def __init__(
        self,
        client: firestore.Client,
        *,
        lease_length: float,
        now: Clock,
        new_holder: Callable[[], str],
    ) -> None:
        self._client = client
        self._time = LeaseTime(now, timedelta(seconds=lease_length))
        self._new_holder = new_holder

    def take(self, job: Job, chunk: int, uid: str) -> "FirestoreLease | None":
        """Create the record without reading it first, because most deliveries begin only once."""
        reference = self._collection(job).document(delivery_id(chunk, uid))
        holder = self._new_holder()
        began = self._time.now()
        first = {"chunk": chunk, "destination": uid, "epoch": 1, "next_batch": 0, "rows": 0, "began": began}
        hold = self._hold(holder, job)
        with reaching("the job store"):
            try:
                written = reference.create(first | hold, retry=RETRY, timeout=TIMEOUT)
            except AlreadyExists:
                return self._take_over(reference, hold)
            return FirestoreLease(reference, holder, written.update_time, first, self._time)

    def begun(self, job: Job) -> Mapping[int, set[str]]:
        begun: dict[int, set[str]] = {}
        for snapshot in paged(self._collection(job).select(["chunk", "destination", "state"])):
            having = begun.setdefault(snapshot.get("chunk"), set())
            if snapshot.get("state") == _DONE:
                having.add(snapshot.get("destination"))
        return begun

    def oldest(self, job: Job, uids: Collection[str]) -> datetime | None:
        """Read the unfinished deliveries. They are few, because the number of lanes limits them."""
        began = (
            _fields(snapshot)["began"]
            for state in (_LEASED, _RELEASED)
            for snapshot in paged(self._collection(job).where(filter=FieldFilter("state", "==", state)))
            if snapshot.get("destination") in uids
        )
        return min(began, default=None)

    def ever_begun(self, job: Job, chunk: int) -> bool:
        query = self._collection(job).where(filter=FieldFilter("chunk", "==", chunk)).select([]).limit(1)
        with reaching("the job store"):
            return any(True for _ in query.stream(retry=RETRY, timeout=TIMEOUT))

    def leased(self, job: Job, chunk: int | None = None, *, opening: int | None = None) -> bool:
        if job.attempt is None:
            return False
        query = self._collection(job).where(filter=FieldFilter("state", "==", _LEASED))
        if chunk is not None:
            query = query.where(filter=FieldFilter("chunk", "==", chunk))
        with reaching("the job store"):
            now = self._time.now()
            return any(
                fields["expires"] > now and opening in {None, fields.get("opening")}
                for fields in map(fields_of, query.stream(retry=RETRY, timeout=TIMEOUT))
            )

    def _hold(self, holder: str, job: Job) -> dict[str, Any]:
        expires = self._time.expiry()
        return {"state": _LEASED, "holder": holder, "expires": expires, "opening": job.opening}

    def _take_over(
        self, reference: firestore.DocumentReference, hold: Mapping[str, Any]
    ) -> "FirestoreLease | None":
        holder = hold["holder"]
        snapshot = reference.get(retry=RETRY, timeout=TIMEOUT)
        fields = _fields(snapshot)
        if fields["state"] == _DONE:
            return None
        if fields["holder"] == holder:
            # This is our own creation, retried because its answer was lost.
            return FirestoreLease(reference, holder, snapshot.update_time, fields, self._time)
        if fields["state"] == _LEASED and fields["expires"] > self._time.now():
            raise Busy(f"chunk {fields['chunk']} is just being delivered", detail=reference.path)
        option = firestore.Client.write_option(last_update_time=snapshot.update_time)
        changes = {**hold, "epoch": fields["epoch"] + 1}
        try:
            written = reference.update(changes, option, retry=RETRY, timeout=TIMEOUT)
        except FailedPrecondition:
            return self._already_mine(reference, holder)
        return FirestoreLease(reference, holder, written.update_time, fields, self._time)

    def _already_mine(self, reference: firestore.DocumentReference, holder: str) -> "FirestoreLease":
        """Return the lease if a refused write repeated our own one, whose answer was lost."""
        snapshot = reference.get(retry=RETRY, timeout=TIMEOUT)
        fields = _fields(snapshot)
        if fields.get("holder") != holder:
            raise Busy("another handler has just begun this delivery", detail=reference.path)
        return FirestoreLease(reference, holder, snapshot.update_time, fields, self._time)

    def _collection(self, job: Job) -> firestore.CollectionReference:
        attempt = attempt_reference(self._client, job)
        collection: firestore.CollectionReference = attempt.collection("deliveries")
        return collection


class FirestoreLease:
    """Implements the port Lease. The heartbeat and the sink both write through it."""

    def __init__(
        self,
        reference: firestore.DocumentReference,
        holder: str,
        update_time: datetime,
        fields: Mapping[str, Any],
        time: LeaseTime,
    ) -> None:
        self.began: datetime = fields["began"]
        self.first_batch: int = fields["next_batch"]
        self.skipped = skipped_from(fields)
        self.splits = splits_from(fields)
        self._reference = reference
        self._holder = holder
        self._update_time = update_time
        self._time = time
        self._lock = threading.Lock()

    def renew(self) -> None:
        self._write({"expires": self._time.expiry()})

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        names = {} if skipped == self.skipped else skipped_fields(skipped)
        cuts = {} if splits == self.splits else splits_fields(splits)
        self._write({"next_batch": next_batch, "expires": self._time.expiry(), **names, **cuts})
        self.skipped, self.splits = skipped, splits

    def done(self, rows: int, crc32c: str | None) -> None:
        self._write({"state": _DONE, "rows": rows, "crc32c": crc32c, "time_done": self._time.now()})

    def release(self) -> None:
        try:
            self._write({"state": _RELEASED})
        except Busy:
            return

    def _write(self, fields: dict[str, Any]) -> None:
        with self._lock, reaching("the job store"):
            try:
                self._update(fields)
            except (FailedPrecondition, NotFound) as error:
                # An earlier write of our own, whose answer was lost, also changes the document.
                self._require_ours(error)
                try:
                    self._update(fields)
                except (FailedPrecondition, NotFound) as again:
                    raise self._lost() from again

    def _update(self, fields: dict[str, Any]) -> None:
        option = firestore.Client.write_option(last_update_time=self._update_time)
        written = self._reference.update(fields, option, retry=RETRY, timeout=TIMEOUT)
        self._update_time = written.update_time

    def _require_ours(self, error: Exception) -> None:
        """Raise Busy if another holder took over. Otherwise base the next write on the current document."""
        snapshot = self._reference.get(retry=RETRY, timeout=TIMEOUT)
        if fields_of(snapshot).get("holder") != self._holder:
            raise self._lost() from error
        self._update_time = snapshot.update_time

    def _lost(self) -> Busy:
        return Busy("the delivery's lease was lost", detail=self._reference.path)


def _fields(snapshot: firestore.DocumentSnapshot[Any]) -> dict[str, Any]:
    """Return a delivery's fields. Records of older releases lack ``began``, so use their creation."""
    fields = fields_of(snapshot)
    began = fields.get("began") or snapshot.create_time
    return {**fields, "began": plain_time(began) or began}
