"""The removal of old records in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime

from shared.domain.jobs import Job
from tests.fakes.chunks import FakeChunks
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.jobs import FakeJobs


class FakeRetention:
    """Implements the port Retention. A destination's completed work is counted separately from the
    records.
    """

    def __init__(self, jobs: FakeJobs, chunks: FakeChunks, deliveries: FakeDeliveries) -> None:
        self._jobs = jobs
        self._chunks = chunks
        self._deliveries = deliveries

    def due(self, now: datetime, most: int) -> Sequence[Job]:
        found = [
            (job.records_until, job)
            for job in (stored.job for stored in self._jobs.stored.values())
            if job.records_until is not None and job.records_until <= now
        ]
        return [job for _, job in sorted(found, key=lambda one: one[0])[:most]]

    def remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        name = (job.organization_id, job.job_id)
        for place in [place for place in self._deliveries.records if place[:2] == name]:
            if not time_is_left():
                return False
            del self._deliveries.records[place]
        self._chunks.remove(name)
        return True
