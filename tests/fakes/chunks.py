"""Chunk records in memory, counted in shards like Firestore's."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from shared.domain.chunks import Chunk, shard_of
from shared.domain.jobs import Counts, Job
from tests.fakes.jobs import FakeJobs, Name, StoredJob

AttemptName = tuple[str, str, str]


class FakeChunks:
    """Implements the port Chunks, with the jobs in ``jobs``."""

    def __init__(self, jobs: FakeJobs) -> None:
        self._jobs = jobs
        self._recorded: dict[AttemptName, dict[int, Chunk]] = {}
        self._shards: dict[Name, list[Counts]] = {}
        self._counted_last: dict[Name, int] = {}
        self._lock = threading.Lock()

    def record(self, job: Job, chunks: Sequence[Chunk]) -> list[Chunk]:
        recorded = self._of(job)
        return [recorded.setdefault(chunk.number, chunk) for chunk in chunks]

    def commit(self, job: Job, transition: Callable[[Job], Job], chunks: Sequence[Chunk]) -> Job:
        def write_counts(stored: StoredJob) -> None:
            stored.chunk_rows = {chunk.number: chunk.rows for chunk in chunks}
            shards = stored.job.shards
            parts = [
                [chunk for chunk in chunks if not chunk.delivered and shard_of(chunk.number, shards) == n]
                for n in range(shards)
            ]
            self._set(stored, [Counts(len(part), sum(chunk.rows for chunk in part)) for part in parts])

        return self._jobs.change_with(job.organization_id, job.job_id, transition, write_counts)

    def get(self, job: Job, number: int) -> Chunk | None:
        return self._of(job).get(number)

    def undelivered(self, job: Job, start: int = 0) -> Iterator[Chunk]:
        found = sorted((number, chunk) for number, chunk in self._of(job).items() if number >= start)
        return iter([chunk for _, chunk in found if not chunk.delivered])

    def first_undelivered(self, job: Job, numbers: Sequence[int]) -> Chunk | None:
        wanted = set(numbers)
        return next((chunk for chunk in self.undelivered(job) if chunk.number in wanted), None)

    def remove(self, name: Name) -> None:
        """Remove the records of all the job's attempts."""
        for attempt in [attempt for attempt in self._recorded if attempt[:2] == name]:
            del self._recorded[attempt]

    def count_down(self, job: Job, chunk: Chunk) -> bool:
        with self._lock:
            recorded = self._of(job)
            name = (job.organization_id, job.job_id)
            shards = list(self._shards[name])
            number = shard_of(chunk.number, job.shards)
            left = shards[number]
            if recorded[chunk.number].delivered:
                return self._is_last(name, chunk, shards)
            recorded[chunk.number] = replace(chunk, delivered=True)
            stored = self._jobs.stored[name]
            self._counted_last[name] = chunk.number
            shards[number] = Counts(left.chunks_left - 1, left.rows_left - chunk.rows)
            self._set(stored, shards)
            return self._is_last(name, chunk, shards)

    def _is_last(self, name: Name, chunk: Chunk, shards: list[Counts]) -> bool:
        empty = all(shard.chunks_left == 0 for shard in shards)
        return empty and self._counted_last.get(name) == chunk.number

    def _set(self, stored: StoredJob, shards: list[Counts]) -> None:
        self._shards[stored.job.organization_id, stored.job.job_id] = shards
        stored.counts = Counts(
            sum(shard.chunks_left for shard in shards), sum(shard.rows_left for shard in shards)
        )

    def _of(self, job: Job) -> dict[int, Chunk]:
        name = (job.organization_id, job.job_id, job.require_attempt().attempt_id)
        return self._recorded.setdefault(name, {})
