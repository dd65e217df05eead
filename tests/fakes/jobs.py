"""Job records in memory, with Firestore's behaviour but without Firestore.

Jobs are immutable, so returning one cannot leak a reference; lists are copied on the way in and out.
"""

import operator
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.domain.errors import StaleMessage, TooManyJobs, Unavailable
from shared.domain.idempotency import KEY_LIFETIME
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.domain.transitions import confirm
from shared.steps.records import DestinationProgress

Name = tuple[str, str]


@dataclass(slots=True)
class StoredJob:
    """A job's document and the documents beside it. Deliveries set ``counts`` and ``progress``. ``errors``
    are by destination uid and retry, and so are ``failed``, their times, and ``wishes``, the requested
    pauses. ``chunk_rows``: the unloaded rows; ``done``: the recorded rows, by chunk and uid.
    """

    job: Job
    filter_values: list[FilterValue]
    counts: Counts | None = None
    progress: dict[str, DestinationProgress] = field(default_factory=dict)
    errors: dict[tuple[str, int], str] = field(default_factory=dict)
    failed: dict[tuple[str, int], datetime] = field(default_factory=dict)
    wishes: dict[tuple[str, int], datetime] = field(default_factory=dict)
    chunk_rows: dict[int, int] = field(default_factory=dict)
    done: dict[tuple[int, str], int] = field(default_factory=dict)


@dataclass(slots=True)
class FakeJobs:
    """Implements the ports Jobs and Listings. While ``down``, everything raises Unavailable.

    ``between`` runs once, after the next change has read the job and before it writes: a faster writer.
    """

    stored: dict[Name, StoredJob] = field(default_factory=dict)
    topics: dict[Name, int] = field(default_factory=dict)
    keys: dict[Name, tuple[str, datetime]] = field(default_factory=dict)
    down: bool = False
    most_in_flight: int = 100
    between: Callable[[], object] | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, job: Job, filter_values: Sequence[FilterValue]) -> str | None:
        self._reach()
        with self.lock:
            if _name(job) in self.stored:
                return None
            if job.idempotency is not None:
                key = (job.organization_id, job.idempotency.key)
                owner, expires = self.keys.get(key, ("", job.time_created))
                if expires > job.time_created:
                    return owner
                self.require_room(job.organization_id)
                self.keys[key] = (job.job_id, job.time_created + KEY_LIFETIME)
            self.require_room(job.organization_id)
            values = list(filter_values) if job.filter_column is not None else []
            self.stored[_name(job)] = StoredJob(replace(job, filter_parts=1 if values else 0), values)
            self._claim_topics(job, 1)
            return None

    def require_room(self, organization_id: str) -> None:
        self._reach()
        with self.lock:
            mine = [stored.job for name, stored in self.stored.items() if name[0] == organization_id]
            in_flight = [job for job in mine if not job.status.is_terminal]
            if len(in_flight) >= self.most_in_flight:
                raise TooManyJobs("as many as it may")

    def remove_unconfirmed(self, job: Job) -> bool:
        self._reach()
        with self.lock:
            stored = self.stored.get(_name(job))
            if stored is None:
                return True
            if stored.job.confirmed:
                return False
            del self.stored[_name(job)]
            self._claim_topics(job, -1)
            self._free_key(stored.job)
            return True

    def get(self, organization_id: str, job_id: str) -> Job | None:
        self._reach()
        stored = self.stored.get((organization_id, job_id))
        return stored.job if stored else None

    def change(self, organization_id: str, job_id: str, transition: Callable[[Job], Job]) -> Job:
        return self.change_with(organization_id, job_id, transition, lambda _stored: None)

    def change_with(
        self,
        organization_id: str,
        job_id: str,
        transition: Callable[[Job], Job],
        beside: Callable[[StoredJob], None],
    ) -> Job:
        """Like ``change``; what ``beside`` changes becomes visible together with the job."""
        while True:
            before = self.get(organization_id, job_id)
            if before is None:
                raise StaleMessage("there is no such job", detail=job_id)
            after = transition(before)
            if self.between is not None:
                faster, self.between = self.between, None
                faster()
            if after == before:
                return before
            with self.lock:
                if self.get(organization_id, job_id) == before:
                    stored = self.stored[organization_id, job_id]
                    stored.job = after
                    beside(stored)
                    return after

    def confirm(self, job: Job) -> None:
        self.change(job.organization_id, job.job_id, confirm)

    def filter_values(self, job: Job) -> list[FilterValue]:
        self._reach()
        if _name(job) not in self.stored:
            raise StaleMessage("there is no such job", detail=job.job_id)
        return list(self.stored[_name(job)].filter_values)

    def counts(self, job: Job) -> Counts | None:
        self._reach()
        stored = self.stored.get(_name(job))
        return _counts(stored) if stored else None

    def rows_done(self, job: Job) -> Mapping[str, int]:
        self._reach()
        rows: dict[str, int] = {}
        for (_, uid), done in self.stored[_name(job)].done.items():
            rows[uid] = rows.get(uid, 0) + done
        return rows

    def unequal_chunk(self, job: Job, uid: str) -> int | None:
        self._reach()
        stored = self.stored[_name(job)]
        unequal = (n for n, rows in stored.chunk_rows.items() if stored.done.get((n, uid)) != rows)
        return min(unequal, default=None)

    def transporting(self, organization_id: str, most: int) -> int:
        self._reach()
        jobs = [stored.job for name, stored in self.stored.items() if name[0] == organization_id]
        found = [job for job in jobs if job.status is JobStatus.TRANSPORTING and not job.paused]
        return len(found[:most])

    def active(self) -> Iterator[Job]:
        self._reach()
        for job in [stored.job for stored in self.stored.values()]:
            if not job.status.is_terminal or not job.torn_down:
                yield job

    def wanted(self, job: Job) -> bool:
        current = self.get(job.organization_id, job.job_id)
        return (
            current is not None
            and current.status is JobStatus.TRANSPORTING
            and not current.paused
            and current.require_attempt().attempt_id == job.require_attempt().attempt_id
        )

    def record_destination_error(
        self, job: Job, uid: str, message: str, now: datetime, wait_until: datetime | None = None
    ) -> None:
        self._reach()
        stored = self.stored[_name(job)]
        stored.errors[uid, job.retry] = message
        if wait_until is None:
            stored.failed[uid, job.retry] = now
        else:
            stored.wishes[uid, job.retry] = wait_until

    def last_failure(self, job: Job) -> datetime | None:
        self._reach()
        failed = self.stored[_name(job)].failed.items()
        return max((time for (_, retry), time in failed if retry == job.retry), default=None)

    def asked_to_wait(self, job: Job, uid: str) -> datetime | None:
        self._reach()
        return self.stored[_name(job)].wishes.get((uid, job.retry))

    def jobs(
        self,
        organization_id: str,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
        *,
        statuses: Collection[JobStatus] = (),
        newest_first: bool = False,
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        self._reach()
        mine = [stored for stored in self.stored.values() if stored.job.organization_id == organization_id]
        visible = [stored for stored in mine if stored.job.confirmed]
        wanted = [stored for stored in visible if not statuses or stored.job.status in statuses]
        ordered = sorted(wanted, key=_place, reverse=newest_first)
        if after is not None:
            beyond = operator.lt if newest_first else operator.gt
            ordered = [stored for stored in ordered if beyond(_place(stored), after)]
        for stored in ordered[:limit]:
            self._reach()
            values = None if stored.job.filter_column is None else list(stored.filter_values)
            yield stored.job, values, _counts(stored)

    def latest_rows(self, organization_id: str, table: str) -> Sequence[int]:
        latest = [job for job, _, _ in self.jobs(organization_id, limit=100, newest_first=True)]
        return [job.num_rows for job in latest if job.table == table and job.num_rows is not None]

    def destinations(self, job: Job) -> Mapping[str, DestinationProgress]:
        self._reach()
        stored, nothing = self.stored[_name(job)], DestinationProgress(0, 0, None)
        found = {}
        for destination in job.destinations:
            progress = stored.progress.get(destination.uid, nothing)
            error = stored.errors.get((destination.uid, job.retry), progress.last_error)
            found[destination.uid] = replace(progress, last_error=error)
        return found

    def progress(self, job: Job, counts: Counts | None) -> Mapping[str, DestinationProgress]:
        assert (counts is None) == (job.num_chunks is None)
        return self.destinations(job)

    def last_errors(self, job: Job) -> Mapping[str, str]:
        found = {uid: one.last_error for uid, one in self.destinations(job).items()}
        return {uid: error for uid, error in found.items() if error is not None}

    def _claim_topics(self, job: Job, change: int) -> None:
        for destination in job.destinations:
            if destination.traits.owned:
                topic = (job.organization_id, destination.name)
                self.topics[topic] = self.topics.get(topic, 0) + change

    def _free_key(self, job: Job) -> None:
        key = (job.organization_id, job.idempotency.key if job.idempotency else "")
        if self.keys.get(key, ("", None))[0] == job.job_id:
            del self.keys[key]

    def _reach(self) -> None:
        if self.down:
            raise Unavailable("the job store")


def _name(job: Job) -> Name:
    return job.organization_id, job.job_id


def _place(stored: StoredJob) -> tuple[datetime, str]:
    return stored.job.time_created, stored.job.job_id


def _counts(stored: StoredJob) -> Counts | None:
    if stored.job.num_chunks is None:
        return None
    return stored.counts or Counts(0, 0)
