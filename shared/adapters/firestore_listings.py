"""The job listings of the API, read from Firestore page by page, several jobs per call."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters import firestore_destinations
from shared.adapters.firestore_documents import CALL, fields_of, filter_from, job_reference
from shared.adapters.firestore_readable import Snapshot, readable
from shared.adapters.google_errors import reaching
from shared.domain.events import Events
from shared.domain.jobs import Counts, FilterValue, Job, JobStatus
from shared.steps.records import DestinationProgress

_PAGE = 100
# A part has up to 400 kB of text. As Python objects, the values take several times as much.
_FILTER_PARTS_AT_ONCE = 8
_REST = 60.0  # seconds


class FirestoreListings:
    """Implements the port Listings. ``events`` receives the jobs that cannot be read."""

    def __init__(
        self, client: firestore.Client, events: Events, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._events = events
        self._monotonic = monotonic
        # Until when a job's sums rest, by its id. Firestore goes on with a sum that is given up.
        self._resting: dict[str, float] = {}

    def jobs(
        self,
        organization_id: str,
        after: tuple[datetime, str] | None = None,
        limit: int | None = None,
        *,
        statuses: Collection[JobStatus] = (),
        newest_first: bool = False,
    ) -> Iterator[tuple[Job, list[FilterValue] | None, Counts | None]]:
        query = self._ordered(organization_id, statuses, newest_first=newest_first)
        left = limit
        while left is None or left > 0:
            page = _page(query, after)
            found = [job for job in readable(page, self._events) if job.confirmed][:left]
            for some in _of_bounded_filters(found):
                counts, filters = read_counts(self._client, some), read_filters(self._client, some)
                for job in [job for job in some if job.job_id in filters]:
                    shown = filters[job.job_id] if job.filter_column is not None else None
                    yield job, shown, counts[job.job_id]
            if len(page) < _PAGE:
                return
            after = _place(page[-1])
            left = None if left is None else left - len(found)

    def latest_rows(self, organization_id: str, table: str) -> Sequence[int]:
        latest = _page(self._ordered(organization_id, (), newest_first=True), None)
        jobs = readable(latest, self._events)
        return [job.num_rows for job in jobs if job.table == table and job.num_rows is not None]

    def destinations(self, job: Job) -> Mapping[str, DestinationProgress]:
        with reaching("the job store"):
            return firestore_destinations.progress(self._client, job)

    def progress(self, job: Job, counts: Counts | None) -> Mapping[str, DestinationProgress]:
        with reaching("the job store"):
            records = firestore_destinations.records(self._client, job)
            found = firestore_destinations.counted_with_records(job, counts, records)
            # One destination has what is counted, but for a moment. If nothing is left, each has everything.
            if counts is None or counts.chunks_left == 0 or len(found) == 1 or self._rests(job):
                return found
            summed = firestore_destinations.summed_soon(self._client, job, records)
        if len(summed) < len(found):
            self._rest(job)
        return found | summed

    def last_errors(self, job: Job) -> Mapping[str, str]:
        with reaching("the job store"):
            return firestore_destinations.last_errors(self._client, job)

    def _rests(self, job: Job) -> bool:
        return self._resting.get(job.job_id, 0.0) > self._monotonic()

    def _rest(self, job: Job) -> None:
        now = self._monotonic()
        kept = {job_id: until for job_id, until in list(self._resting.items()) if until > now}
        self._resting = {**kept, job.job_id: now + _REST}

    def _ordered(
        self, organization_id: str, statuses: Collection[JobStatus], *, newest_first: bool
    ) -> firestore.Query:
        query = self._client.collection("organizations", organization_id, "jobs").limit(_PAGE)
        if statuses:
            wanted = sorted(status.value for status in statuses)
            query = query.where(filter=FieldFilter("status", "in", wanted))
        direction = firestore.Query.DESCENDING if newest_first else firestore.Query.ASCENDING
        return query.order_by("time_created", direction).order_by("job_id", direction)


def _place(snapshot: Snapshot) -> tuple[datetime, str]:
    """Return the job's place in the order of time. No release can read a job without it."""
    fields = fields_of(snapshot)
    return fields["time_created"], fields["job_id"]


def _page(query: firestore.Query, after: tuple[datetime, str] | None) -> list[Snapshot]:
    if after is not None:
        query = query.start_after({"time_created": after[0], "job_id": after[1]})
    with reaching("the job store"):
        return list(query.stream(**CALL))


def read_counts(client: firestore.Client, jobs: Sequence[Job]) -> dict[str, Counts | None]:
    """Return the sums of the jobs' shards by job id, read in one call."""
    wanted = {
        _reference(client, job).collection("counts").document(str(shard)): job
        for job in jobs
        for shard in range(job.shards)
    }
    left = {job.job_id: (0, 0) for job in jobs}
    with reaching("the job store"):
        for snapshot in client.get_all(list(wanted), **CALL) if wanted else ():
            job_id = wanted[snapshot.reference].job_id
            chunks, rows = left[job_id]
            left[job_id] = (chunks + snapshot.get("chunks_left"), rows + snapshot.get("rows_left"))
    return {job.job_id: None if job.num_chunks is None else Counts(*left[job.job_id]) for job in jobs}


def read_filters(client: firestore.Client, jobs: Sequence[Job]) -> dict[str, list[FilterValue]]:
    """Return the filter values by job id. Jobs that were removed since they were read are missing."""
    wanted = {
        _reference(client, job).collection("filter").document(str(part)): (job.job_id, part)
        for job in jobs
        for part in range(job.filter_parts)
    }
    texts: dict[tuple[str, int], str] = {}
    with reaching("the job store"):
        for snapshot in client.get_all(list(wanted), **CALL) if wanted else ():
            if snapshot.exists:
                texts[wanted[snapshot.reference]] = snapshot.get("text")
    return {
        job.job_id: filter_from([texts[job.job_id, part] for part in range(job.filter_parts)])
        if job.filter_parts
        else []
        for job in jobs
        if all((job.job_id, part) in texts for part in range(job.filter_parts))
    }


def _reference(client: firestore.Client, job: Job) -> firestore.DocumentReference:
    return job_reference(client, job.organization_id, job.job_id)


def _of_bounded_filters(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Yield the jobs in their order, in groups whose filter values fit into memory together."""
    run: list[Job] = []
    parts = 0
    for job in jobs:
        if run and parts + job.filter_parts > _FILTER_PARTS_AT_ONCE:
            yield run
            run, parts = [], 0
        run.append(job)
        parts += job.filter_parts
    if run:
        yield run
