"""The whole service in one process: every step on fakes, and what drives them in the cloud.

The real queue, scheduler and clock are played here: a message that is not acknowledged comes again
after a backoff, one that was tried too often is a dead letter, and the sweep runs in between.

``_wire`` connects the steps as ``shared/bootstrap`` does. That has a module per function, because a function
imports only what it needs to start fast; a test needs all steps at once.
"""

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.domain.catalog import BASE_TABLES, Catalog
from shared.domain.chunks import Chunk
from shared.domain.errors import BackfillError, DeliveryStopped, Disposition
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.accept import accept
from shared.steps.attempts import AttemptLimits, Attempts
from shared.steps.cancel import cancel
from shared.steps.circuits import Circuits
from shared.steps.dead_letter import DeadLetter
from shared.steps.deliver import Deliver
from shared.steps.expire import Expire
from shared.steps.finish import Finish
from shared.steps.handle import Handle
from shared.steps.kept import Kept
from shared.steps.pass_on import PassOn
from shared.steps.pause import pause, resume
from shared.steps.reconcile import Reconcile
from shared.steps.records import Lease
from shared.steps.retry import retry
from shared.steps.stage import Stage
from shared.steps.sweep import Sweep, SweepLimits
from shared.steps.tear_down import TearDown
from tests.fakes.chunks import FakeChunks
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.examples import new_job
from tests.fakes.faults import Faults, Killed
from tests.fakes.files import FakeStagedFiles
from tests.fakes.jobs import FakeJobs
from tests.fakes.queue import FakeQueue, OneByOne
from tests.fakes.retention import FakeRetention
from tests.fakes.rows import Log, LogMarkers, Receiver, RequestSink, TransactionSink, read_numbered_rows
from tests.fakes.topics import FakeBroker, FakeTopics
from tests.fakes.warehouse import FakeWarehouse, transfers

if TYPE_CHECKING:
    from shared.domain.events import Event

LEASE = 15.0
TRIES = 30  # with these backoffs they outlast ten leases
BACKOFFS = (1.0, 2.0, 4.0, 8.0, 10.0)
SWEEP_PAUSE = 30.0
EXPIRING = 15.0
IN_FLIGHT = 64  # more than the chunks of a World's job: all of them are published at once
ATTEMPTS = AttemptLimits(wait=20, claim=45, most_attempts=3, file_bytes=1 << 20)
SWEEPING = SweepLimits(
    unconfirmed=300,
    nudge=60,
    stalled=900,
    staging=86_400,
    job=604_800,
    tear_down=600,
    time=240,
    in_flight=IN_FLIGHT,
)
RECEIPTS_KEPT = timedelta(days=10)  # less than staged files are
KEPT = Kept(staged_files=timedelta(days=14), markers=timedelta(days=7))


def one_by_one(look_up: Callable[[Chunk], None], chunks: Sequence[Chunk]) -> None:
    """Make a test's reconciling look its chunks up in its own thread."""
    for chunk in chunks:
        look_up(chunk)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Implements the port Pulse without a thread: each check is a beat."""

    world: "World"
    job: Job
    lease: Lease
    deadline: float

    def check(self) -> None:
        if not self.world.jobs.wanted(self.job):
            raise DeliveryStopped("the job has ended")
        self.lease.renew()

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        self.lease.checkpoint(next_batch, skipped, splits)

    def seconds_left(self) -> float:
        return self.deadline - self.world.clock.monotonic()


@dataclass(slots=True)
class Pushed:
    """A waiting message: when it is due, and its number of attempts."""

    due: float
    message: Message
    tried: int = 0


class World:
    """One table of ``rows`` rows, five a chunk. ``polls``: how often an unload answers that it runs.
    ``faults`` meet the functions, not the API; ``seed`` decides in which order messages come,
    each of them as often as ``copies`` says. After ``tries`` attempts a message is a dead letter.
    ``backoffs``: the seconds between them, of which the last number repeats.

    The client's calls are ``accept``, ``cancel`` and ``retry``; ``run`` goes on until every job is at rest.
    """

    def __init__(
        self,
        *,
        rows: int = 13,
        polls: int = 0,
        faults: Faults | None = None,
        seed: int = 1,
        catalog: Catalog = BASE_TABLES,
        copies: int = 1,
        tries: int = TRIES,
        backoffs: Sequence[float] = BACKOFFS,
    ) -> None:
        self.faults = faults or Faults()
        self.clock = FakeClock()
        self.jobs, self.queue, self.broker = FakeJobs(), FakeQueue(), FakeBroker(self.clock)
        self.files = FakeStagedFiles()
        self.warehouse = FakeWarehouse(transfers(rows), rows_per_file=5, polls=polls, bucket=self.files)
        self.chunks = FakeChunks(self.jobs)
        self.deliveries = FakeDeliveries(self.jobs, lease_length=LEASE, now=self.clock.now)
        self.retention = FakeRetention(self.jobs, self.chunks, self.deliveries)
        self.topics = FakeTopics(self.jobs, self.broker)
        self.log, self.receiver = Log(), Receiver()
        self.markers = LogMarkers(self.log)
        self.reports: list[Exception] = []
        self.events: list[Event] = []
        self.skipped: list[BackfillError] = []
        self.underway: list[Pushed] = []
        self._random = random.Random(seed)  # noqa: S311 - an order that repeats from run to run
        self._next_sweep = 0.0
        self._catalog = catalog
        self._copies = copies
        self._tries, self._backoffs = tries, backoffs
        self._wire()

    def _wire(self) -> None:
        guard = self.faults.guard
        jobs, chunks, queue = guard(self.jobs), guard(self.chunks), OneByOne(guard(self.queue))
        deliveries, files = guard(self.deliveries), guard(self.files)
        warehouse, topics = guard(self.warehouse), guard(self.topics)
        now, sleep = self.clock.now, self.clock.sleep
        self.finish = Finish(jobs, queue, now)
        self.stage = Stage(
            jobs=jobs,
            chunks=chunks,
            topics=topics,
            unloads=warehouse,
            attempts=Attempts(
                jobs=jobs,
                topics=topics,
                unloads=warehouse,
                catalog=self._catalog,
                snowflake_stage="BASE.ASSETS.STAGED",
                limits=ATTEMPTS,
                now=now,
                new_id=self.new_id,
                sleep=sleep,
            ),
            publisher=queue,
            in_flight=IN_FLIGHT,
            now=now,
            sleep=sleep,
            events=self.events.append,
        )
        self.deliver = Deliver(
            jobs=jobs,
            chunks=chunks,
            deliveries=deliveries,
            files=files,
            read_rows=read_numbered_rows,
            sinks={
                "kafka": TransactionSink(guard(self.log)),
                "external_kafka": TransactionSink(guard(self.log)),
                "webhook": RequestSink(guard(self.receiver)),
            },
            publisher=queue,
            finish=self.finish,
            pass_on=PassOn(chunks, deliveries, queue, self._random.choice),
            keep_alive=self.keep_alive,
            circuits=Circuits(self.clock.monotonic),
            time_limit=480,
            markers_kept=KEPT.markers,
            now=now,
            monotonic=self.clock.monotonic,
            events=self.events.append,
        )
        self.tear_down = TearDown(
            jobs=jobs,
            deliveries=deliveries,
            unloads=warehouse,
            files=files,
            topics=topics,
            reconcile=Reconcile(
                jobs=jobs,
                chunks=chunks,
                deliveries=deliveries,
                markers={"kafka": guard(self.markers), "external_kafka": guard(self.markers)},
                each=one_by_one,
                time_limit=400,
                monotonic=self.clock.monotonic,
            ),
            markers_kept=KEPT.markers,
            receipts_kept=RECEIPTS_KEPT,
            retriable=KEPT.staged_files,
            wait=20,
            claim_limit=45,
            now=now,
            sleep=sleep,
        )
        self.sweep = Sweep(
            jobs=jobs,
            deliveries=deliveries,
            listings=self.jobs,
            unloads=warehouse,
            publisher=queue,
            finish=self.finish,
            limits=SWEEPING,
            now=now,
            shuffle=lambda _jobs: None,
            report=lambda _job, error: self.reports.append(error),
            events=self.events.append,
        )
        self.expire = Expire(
            jobs=jobs,
            retention=guard(self.retention),
            time=EXPIRING,
            now=now,
            report=lambda _job, error: self.reports.append(error),
        )
        self.dead_letter = DeadLetter(
            jobs=jobs, chunks=chunks, deliveries=deliveries, listings=self.jobs, finish=self.finish
        )
        steps: dict[type[Message], Callable[[Any], None]] = {
            StageJob: self.stage.run,
            TearDownJob: self.tear_down.run,
            DeliverChunk: self.deliver.run,
        }
        self.handle = Handle(steps, self.finish)

    def new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    @contextmanager
    def keep_alive(self, job: Job, lease: Lease, deadline: float) -> Iterator[Pulse]:
        yield Pulse(self, job, lease, deadline)

    def accept(self, job: Job | None = None) -> Job:
        job = job or new_job(time_created=self.clock.now())
        return accept(job, [], jobs=self.jobs, publisher=self.queue)

    def cancel(self, job: Job) -> Job:
        return cancel(
            job.organization_id, job.job_id, jobs=self.jobs, publisher=self.queue, now=self.clock.now()
        )

    def retry(self, job: Job) -> Job:
        return retry(
            job.organization_id,
            job.job_id,
            jobs=self.jobs,
            publisher=self.queue,
            now=self.clock.now(),
            kept=KEPT,
        )

    def pause(self, job: Job) -> Job:
        return pause(
            job.organization_id, job.job_id, jobs=self.jobs, publisher=self.queue, now=self.clock.now()
        )

    def resume(self, job: Job) -> Job:
        return resume(
            job.organization_id,
            job.job_id,
            jobs=self.jobs,
            publisher=self.queue,
            now=self.clock.now(),
            kept=KEPT,
        )

    def now(self, job: Job) -> Job:
        """Return the job as it is stored."""
        return self.jobs.stored[job.organization_id, job.job_id].job

    def has_arrived(self, job: Job, chunk: Chunk) -> None:
        """Deliver and count the chunk; the process crashes right after that."""
        for destination in job.destinations:
            lease = self.deliveries.take(job, chunk.number, destination.uid)
            if lease is not None:
                lease.done(chunk.rows, None)
        self.chunks.count_down(job, chunk)

    def change(self, job: Job, transition: Callable[[Job], Job]) -> Job:
        return self.jobs.change(job.organization_id, job.job_id, transition)

    def staged(self, job: Job | None = None) -> tuple[Job, list[DeliverChunk]]:
        """Return a transporting job, and the messages of its chunks."""
        job = self.accept(job)
        [message] = self.queue.taken()
        assert isinstance(message, StageJob)
        self.stage.run(message)
        messages = [message for message in self.queue.taken() if isinstance(message, DeliverChunk)]
        return self.now(job), messages

    def run(self, hours: float = 2.0) -> None:
        """Run until every job is at rest and no message is left, or this much time has passed."""
        end = self.clock.monotonic() + hours * 3600
        while self.clock.monotonic() < end and self.step():
            pass

    def step(self) -> bool:
        """Handle one due message, or let time pass; return False when nothing is left to do."""
        arrived = self.queue.taken() * self._copies
        self.underway += [Pushed(self.clock.monotonic(), message) for message in arrived]
        if self.clock.monotonic() >= self._next_sweep:
            self._alive(self.sweep.run)
            self._alive(self.expire.run)
            self._next_sweep = self.clock.monotonic() + SWEEP_PAUSE
            return True
        due = [pushed for pushed in self.underway if pushed.due <= self.clock.monotonic()]
        if due:
            self._push(self._random.choice(due))
            return True
        if not self.underway and not list(self.jobs.active()):
            return False
        self.clock.sleep(1.0)
        return True

    def _push(self, pushed: Pushed) -> None:
        pushed.tried += 1
        dead = pushed.tried > self._tries
        run = partial(self.dead_letter.run, attempts=self._tries) if dead else self.handle.run
        if self._alive(lambda: run(pushed.message)):
            self.underway.remove(pushed)
        else:
            backoff = self._backoffs[min(pushed.tried, len(self._backoffs)) - 1]
            pushed.due = self.clock.monotonic() + backoff

    def _alive(self, call: Callable[[], object]) -> bool:
        """Return whether the call ended and needs no repetition; a killed process restarts."""
        try:
            call()
        except Killed:
            self.faults.restart()
            return False
        except BackfillError as error:
            if error.disposition is Disposition.RETRY:
                return False
            self.skipped.append(error)
        return True
