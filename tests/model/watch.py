"""The invariants after every step, and those at rest."""

from dataclasses import dataclass, field

from shared.domain import lanes
from shared.domain.chunks import Chunk
from shared.domain.destination import Destination
from shared.domain.jobs import Counts, Job, JobStatus
from shared.domain.messages import NONE_LEFT, DeliverChunk, Message, StageJob
from tests.fakes.jobs import Name, StoredJob
from tests.model.service import Service, Work

_ENDS = {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}
_NEXT = {
    JobStatus.STAGING: {JobStatus.STAGING, JobStatus.TRANSPORTING, *_ENDS},
    JobStatus.TRANSPORTING: {JobStatus.TRANSPORTING, *_ENDS},
    **{end: {end} for end in _ENDS},
}


@dataclass(slots=True)
class Watch:
    """Remembers each job's states, to check that it only changes as allowed.

    ``told``: ids of jobs that clients know of.
    """

    service: Service
    seen: dict[Name, Job] = field(default_factory=dict)
    done: set[tuple[str, str, str, int, str]] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    empty_since: dict[str, int] = field(default_factory=dict)

    def check(self, moved: Work | None = None) -> None:
        """Check the invariants. ``moved``: the function that has just continued, if any."""
        for name, stored in self.service.jobs.stored.items():
            self._history(stored.job, self.seen.get(name), moved)
            if stored.job.num_chunks is not None:
                self._counts(stored)
            if stored.job.status is JobStatus.TRANSPORTING:
                self._in_reach(stored.job)
        for name in self.seen.keys() - self.service.jobs.stored.keys():
            assert self.seen.pop(name).job_id not in self.told, (
                "a job that its client was told of has vanished"
            )
        keys = [(job.organization_id, job.idempotency) for job in self.seen.values()]
        assert len(set(keys)) == len(keys), "one key made two jobs"
        self._deliveries()
        self._topics()

    def _history(self, job: Job, before: Job | None, moved: Work | None) -> None:
        name = (job.organization_id, job.job_id)
        if before is job:
            return
        self.seen[name] = job
        assert job.confirmed or job.attempt is None, "a job was staged whose client may have heard 503"
        if before is None:
            return
        if job.retry != before.retry:
            assert before.status is JobStatus.FAILED, "only a failed job is retried"
            assert job.retry == before.retry + 1
            self.service.ended_at.pop(job.job_id, None)
            if job.status in _ENDS:
                self.service.ended_at[job.job_id] = self.service.turn
            return
        if job.paused and not before.paused:
            self.service.ended_at[job.job_id] = self.service.turn
        elif before.paused and not job.paused:
            self.service.ended_at.pop(job.job_id, None)
        assert job.status in _NEXT[before.status], f"{before.status} became {job.status}"
        assert before.confirmed <= job.confirmed, "a job was hidden again"
        if before.status in _ENDS:
            then = (before.time_completed, before.error_message, before.num_chunks)
            assert then == (job.time_completed, job.error_message, job.num_chunks), "a job ended twice"
        elif job.status in _ENDS:
            self._has_ended(job, moved)

    def _has_ended(self, job: Job, moved: Work | None) -> None:
        self.service.ended_at[job.job_id] = self.service.turn
        assert job.time_completed is not None
        assert (job.status is JobStatus.FAILED) == bool(job.error_message)
        if job.status is JobStatus.FAILED:
            assert self.service.trouble, f"failed although nothing went wrong: {job.error_message}"
            retry = getattr(moved.pushed.message, "retry", job.retry) if moved and moved.pushed else job.retry
            assert retry == job.retry, "a message of an earlier retry failed the job"
        if job.status is not JobStatus.COMPLETED and moved is not None:
            empty = self.empty_since.get(job.job_id, moved.process.began)
            assert moved.process.began <= empty, "all was delivered before it was cancelled or failed"

    def _counts(self, stored: StoredJob) -> None:
        job, chunks = stored.job, self.service.chunks
        left = list(chunks.undelivered(job))
        counted = self.service.jobs.counts(job)
        assert counted == Counts(len(left), sum(chunk.rows for chunk in left)), "the count is wrong"
        shards = chunks._shards[job.organization_id, job.job_id] if job.shards else []
        assert all(shard.chunks_left >= 0 and shard.rows_left >= 0 for shard in shards), "a negative count"
        if job.status is JobStatus.COMPLETED:
            assert not left, "completed with chunks left"
        if not left:
            self.empty_since.setdefault(job.job_id, self.service.turn)

    def _in_reach(self, job: Job) -> None:
        """Check that undelivered chunks have their file, and a message."""
        service = self.service
        messages: list[Message] = [pushed.message for pushed in service.underway]
        messages += [work.pushed.message for work in service.at_work if work.pushed]
        mine = [message for message in messages if message.job_id == job.job_id]
        staging = any(isinstance(message, StageJob) and message.retry == job.retry for message in mine)
        staging |= any(
            work.name in {"retry", "resume"} and work.job_id == job.job_id for work in service.at_work
        )
        coming = [
            # A lane returns to the chunks that it left behind.
            message.chunk if message.left == NONE_LEFT else min(message.chunk, message.left)
            for message in mine
            if isinstance(message, DeliverChunk) and message.opening == job.opening
        ]
        moves = staging or job.paused or job.job_id in service.unmoved
        undelivered = list(service.chunks.undelivered(job))
        for chunk in undelivered:
            assert job.attempt_prefix + chunk.name in service.files.contents, "a staged file went too early"
        assert moves or job.lanes or not undelivered, "nobody opens the job's lanes"
        for front in () if moves else lanes.fronts(undelivered, job.lanes):
            lane = [chunk for chunk in coming if chunk % job.lanes == front.number % job.lanes]
            assert min(lane, default=front.number + 1) <= front.number, "nothing brings a lane's next chunk"

    def _deliveries(self) -> None:
        """Check that a destination has everything that a record calls done."""
        service = self.service
        for place, record in service.deliveries.records.items():
            if record.state != "done" or place in self.done:
                continue
            self.done.add(place)
            organization_id, job_id, _attempt_id, number, uid = place
            job = service.jobs.stored[organization_id, job_id].job
            chunk = service.chunks.get(job, number)
            destination = next(one for one in job.destinations if one.uid == uid)
            if chunk is not None and job.status is not JobStatus.CANCELLED:
                missing = self.expected(chunk) - self.arrived(job, destination)
                assert not missing, f"done, but {destination.type} lacks {len(missing)} rows"

    def _topics(self) -> None:
        """Check that a topic is removed only if no other job uses it, and holds no row twice."""
        service = self.service
        for stored in service.jobs.stored.values():
            job = stored.job
            if job.attempt is None or job.status is JobStatus.CANCELLED:
                continue
            for destination in job.destinations:
                if destination.type == "kafka":
                    topic = f"beam.{job.organization_id}.{destination.name}"
                    assert topic in service.kafka.topics, "a topic that is in use was removed"
        for found in service.kafka.topics.values():
            assert len(set(found.rows)) == len(found.rows), "a row is in a Kafka topic twice"

    def emptied(self) -> set[str]:
        """Return jobs without chunks left that are not finished yet."""
        under_way = {job.job_id for job in self.seen.values() if job.status is JobStatus.TRANSPORTING}
        return under_way & self.empty_since.keys()

    def expected(self, chunk: Chunk) -> set[tuple[int, int]]:
        return {(chunk.number, row) for row in range(chunk.rows)}

    def arrived(self, job: Job, destination: Destination) -> set[tuple[int, int]]:
        """Return the job's rows that the destination has."""
        if destination.type == "kafka":
            topic = self.service.kafka.topics.get(f"beam.{job.organization_id}.{destination.name}")
            rows = topic.rows + topic.loose_rows if topic else []
            return {(chunk, row) for job_id, chunk, row in rows if job_id == job.job_id}
        return set(self.service.receivers.rows(destination.options["url"]))

    def at_rest(self) -> None:
        """Check that every job has ended without leftovers; all rows of a completed one are where they
        belong.
        """
        service = self.service
        for stored in service.jobs.stored.values():
            job = stored.job
            assert job.status in _ENDS, f"stuck: {job.status}"
            assert job.torn_down, f"{job.status} and never torn down"
            left = [path for path in service.files.contents if path.startswith(job.prefix)]
            left = [path for path in left if not path.startswith(tuple(service.unloads.late))]
            assert not left or job.status is JobStatus.FAILED, "staged files were left behind"
            if job.status is JobStatus.COMPLETED:
                self._complete(stored)
        left_running = set(service.unloads.running()) - set(service.unloads.aborted)
        assert not left_running, "a query was left running"

    def _complete(self, stored: StoredJob) -> None:
        job = stored.job
        chunks = [self.service.chunks.get(job, number) for number in range(job.num_chunks or 0)]
        rows = {row for chunk in chunks if chunk for row in self.expected(chunk)}
        assert len(rows) == job.num_rows
        for destination in job.destinations:
            assert self.arrived(job, destination) == rows, f"{destination.type} has not exactly the rows"
            progress = stored.progress.get(destination.uid)
            assert (progress.rows_done if progress else 0) == len(rows)
