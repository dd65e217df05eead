"""Leases and delivery records in memory."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.errors import Busy
from shared.domain.jobs import Job
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.ports import Clock
from shared.steps.records import DestinationProgress
from tests.fakes.jobs import FakeJobs

Place = tuple[str, str, str, int, str]


@dataclass(slots=True)
class Delivery:
    """The state of one (chunk, destination); ``epoch`` increases with each holder."""

    epoch: int
    began: datetime
    expires: datetime
    state: str = "leased"
    next_batch: int = 0
    skipped: Skipped = NONE_SKIPPED
    splits: Splits = NOT_SPLIT
    opening: int = 0
    rows: int = 0
    crc32c: str | None = None
    time_done: datetime | None = None


class FakeDeliveries:
    """Implements the port Deliveries; ``lease_length`` in seconds."""

    def __init__(self, jobs: FakeJobs, *, lease_length: float, now: Clock) -> None:
        self.records: dict[Place, Delivery] = {}
        self.lock = threading.Lock()
        self._jobs = jobs
        self._length = timedelta(seconds=lease_length)
        self.now = now

    def take(self, job: Job, chunk: int, uid: str) -> "FakeLease | None":
        place = (job.organization_id, job.job_id, job.require_attempt().attempt_id, chunk, uid)
        with self.lock:
            record = self.records.setdefault(place, Delivery(0, self.now(), self.expiry(), "released"))
            if record.state == "done":
                return None
            if record.state == "leased" and record.expires > self.now():
                raise Busy("another delivery holds the lease")
            record.epoch, record.state, record.expires = record.epoch + 1, "leased", self.expiry()
            record.opening = job.opening
            return FakeLease(self, place, record)

    def begun(self, job: Job) -> dict[int, set[str]]:
        name = (job.organization_id, job.job_id, job.require_attempt().attempt_id)
        begun: dict[int, set[str]] = {}
        for (*attempt, chunk, uid), record in self.records.items():
            if tuple(attempt) == name:
                begun.setdefault(chunk, set()).update({uid} if record.state == "done" else ())
        return begun

    def oldest(self, job: Job, uids: Collection[str]) -> datetime | None:
        name = (job.organization_id, job.job_id, job.require_attempt().attempt_id)
        began = (
            record.began
            for (*attempt, _, uid), record in self.records.items()
            if tuple(attempt) == name and uid in uids and record.state != "done"
        )
        return min(began, default=None)

    def ever_begun(self, job: Job, chunk: int) -> bool:
        return chunk in self.begun(job)

    def leased(self, job: Job, chunk: int | None = None, *, opening: int | None = None) -> bool:
        return any(
            place[:2] == (job.organization_id, job.job_id)
            and chunk in {None, place[3]}
            and opening in {None, record.opening}
            and record.state == "leased"
            and record.expires > self.now()
            for place, record in self.records.items()
        )

    def expiry(self) -> datetime:
        return self.now() + self._length

    def count(self, place: Place, rows: int) -> None:
        """Add one chunk to the destination's progress."""
        organization_id, job_id, _, chunk, uid = place
        stored = self._jobs.stored[organization_id, job_id]
        stored.done[chunk, uid] = rows
        progress = stored.progress
        before = progress.get(uid, DestinationProgress(0, 0, None))
        progress[uid] = replace(before, chunks_done=before.chunks_done + 1, rows_done=before.rows_done + rows)


class FakeLease:
    """Implements the port Lease."""

    def __init__(self, deliveries: FakeDeliveries, place: Place, record: Delivery) -> None:
        self.began, self.first_batch = record.began, record.next_batch
        self.skipped, self.splits = record.skipped, record.splits
        self._deliveries = deliveries
        self._place = place
        self._epoch = record.epoch

    def renew(self) -> None:
        with self._deliveries.lock:
            self._mine().expires = self._deliveries.expiry()

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        with self._deliveries.lock:
            record = self._mine()
            record.next_batch, record.expires = next_batch, self._deliveries.expiry()
            record.skipped = self.skipped = skipped
            record.splits = self.splits = splits

    def done(self, rows: int, crc32c: str | None) -> None:
        with self._deliveries.lock:
            record = self._mine()
            record.state, record.rows, record.crc32c = "done", rows, crc32c
            record.time_done = self._deliveries.now()
            self._deliveries.count(self._place, rows)

    def release(self) -> None:
        with self._deliveries.lock:
            try:
                self._mine().state = "released"
            except Busy:
                return

    def _mine(self) -> Delivery:
        record = self._deliveries.records[self._place]
        if record.epoch != self._epoch:
            raise Busy("the lease was lost")
        return record
