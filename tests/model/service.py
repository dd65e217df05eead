"""The whole service on fakes, with many concurrent functions, Pub/Sub, time and faults."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from shared.destinations.webhook.sink import WebhookLimits, WebhookSink
from shared.domain.errors import BackfillError, Disposition
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk, Message, StageJob, TearDownJob
from shared.steps.accept import accept
from shared.steps.cancel import cancel
from shared.steps.handle import Handle
from shared.steps.pause import pause, resume
from shared.steps.records import Lease
from shared.steps.retry import retry
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.faults import Killed
from tests.fakes.queue import OneByOne
from tests.fakes.warehouse import transfers
from tests.model.kafka import Kafka, KafkaMarkers, TransactionalSink
from tests.model.pulses import DrivenPulse
from tests.model.receivers import Mood, Posts, Receivers
from tests.model.topics import RecordedTopics, TopicRecords
from tests.model.turns import Process, TurnClock, Turns
from tests.model.warehouse import SlowWarehouse
from tests.unit.steps.world import ATTEMPTS, BACKOFFS, KEPT, LEASE, TRIES, Pushed, World

if TYPE_CHECKING:
    from shared.steps.sending import Sink

STORE, QUEUE, SNOWFLAKE, BUCKET, BROKER, RECEIVERS = PARTS = (
    "the job store",
    "the message queue",
    "Snowflake",
    "the staging bucket",
    "Kafka",
    "the receivers",
)
_PART_OF = {
    "FakeJobs": STORE,
    "FakeChunks": STORE,
    "FakeDeliveries": STORE,
    "FakeLease": STORE,
    "TopicRecords": STORE,
    "RecordedTopics": STORE,
    "FakeQueue": QUEUE,
    "SlowWarehouse": SNOWFLAKE,
    "FakeStagedFiles": BUCKET,
    "Kafka": BROKER,
    "LogMarkers": BROKER,
    "Receivers": RECEIVERS,
}
_TICK = 1e-5  # seconds; the clock has microseconds
_IN_FLIGHT = 3  # chunks of an organization, fewer than its jobs have
_SLOW = 16.0  # seconds that a function may stop without any consequence


@dataclass(slots=True, eq=False)
class Work:
    """A running function. ``pushed``: its message, None for the sweep and the API; ``job_id``: its job, if it
    has one.
    """

    process: Process
    pushed: Pushed | None
    name: str
    job_id: str


class Service(World):
    """World with its functions taking turns. ``trouble``: whether any fault has happened so far."""

    def __init__(self, seed: int) -> None:
        self.turns = Turns(FakeClock(), _PART_OF)
        self.turn = 0
        self.trouble = False
        self.at_work: list[Work] = []
        self.acknowledged: list[Message] = []
        self.unmoved: set[str] = set()
        self.pulses: list[DrivenPulse] = []
        self.ended_at: dict[str, int] = {}
        super().__init__(faults=self.turns, seed=seed)

    def _wire(self) -> None:
        self.turns.clock = self.clock = clock = TurnClock()
        clock.turns = self.turns
        self.kafka, self.receivers = Kafka(clock), Receivers()
        self.unloads = SlowWarehouse(
            transfers(28), rows_per_file=5, bucket=self.files, clock=clock, current=self._is_current
        )
        self.deliveries = FakeDeliveries(self.jobs, lease_length=LEASE, now=clock.now)
        super()._wire()
        guard = self.turns.guard
        kafka, records = guard(self.kafka), guard(TopicRecords(self.jobs))
        topics, unloads = RecordedTopics(records, kafka, clock), guard(self.unloads)
        limits = replace(ATTEMPTS, wait=1.0)
        attempts = replace(self.stage.attempts, topics=topics, unloads=unloads, limits=limits)
        self.stage = replace(
            self.stage, topics=topics, unloads=unloads, attempts=attempts, in_flight=_IN_FLIGHT
        )
        reconcile = replace(self.tear_down.reconcile, markers={"kafka": KafkaMarkers(kafka)})
        self.tear_down = replace(
            self.tear_down, topics=topics, unloads=unloads, reconcile=reconcile, wait=5.0
        )
        sweeping = replace(self.sweep.limits, in_flight=_IN_FLIGHT)
        self.sweep = replace(self.sweep, unloads=unloads, limits=sweeping)
        sinks: dict[str, Sink] = {"kafka": TransactionalSink(kafka, clock), "webhook": self._webhooks()}
        self.deliver = replace(self.deliver, sinks=sinks)
        self.handle = Handle(
            {
                StageJob: self.stage.run,
                TearDownJob: self.tear_down.run,
                DeliverChunk: self.deliver.run,
            },
            self.finish,
        )

    def _webhooks(self) -> WebhookSink:
        connections: Any = Posts(self.turns.guard(self.receivers), self._before_a_request)
        return WebhookSink(
            connections=connections,
            secrets=lambda _organization, _name: b"",
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
            nonce=lambda: "nonce",
            random=random.Random(1).random,  # noqa: S311 - reproducible jitter
            # One request at a time: the model decides which of a process's threads continues.
            limits=WebhookLimits(least=60.0, in_flight=1),
        )

    def _before_a_request(self) -> None:
        for pulse in self.pulses:
            if pulse.process is self.turns.running and not pulse.over:
                assert pulse.reason is None, "a batch began after its heartbeat had noticed the end"

    @contextmanager
    def keep_alive(self, job: Job, lease: Lease, deadline: float) -> Iterator[DrivenPulse]:  # type: ignore[override]  # another Pulse than World's
        process = self.turns.running
        assert process is not None
        place = self._place_of(lease)
        held = [pulse for pulse in self.pulses if pulse.place == place and pulse.alive]
        assert not held, "two functions hold the lease of one delivery"
        assert process.began <= self.ended_at.get(job.job_id, process.began), "a delivery began after the end"
        pulse = DrivenPulse(
            process,
            place,
            job,
            lease,
            deadline,
            LEASE,
            self.clock,
            self._wanted,
            self.clock.monotonic(),
        )
        self.pulses.append(pulse)
        try:
            yield pulse
        finally:
            pulse.over = True
            self.pulses.remove(pulse)

    def _place_of(self, lease: Lease) -> tuple[str, str, int, str]:
        _organization, job_id, attempt_id, chunk, uid = cast("tuple[str, str, str, int, str]", lease._place)  # type: ignore[attr-defined]  # the fake's
        return job_id, attempt_id, chunk, uid

    def _is_current(self, prefix: str) -> bool:
        """Return whether the prefix belongs to its job's current attempt."""
        organization_id, job_id, attempt_id, _ = prefix.split("/")
        job = self.jobs.stored[organization_id, job_id].job
        return job.require_attempt().attempt_id == attempt_id

    def _wanted(self, job: Job) -> bool:
        self.turns.reach("FakeJobs.wanted")
        return self.jobs.wanted(job)

    # What the outside does.

    def begin(
        self, name: str, work: Callable[[], object], *, pushed: Pushed | None = None, job_id: str = ""
    ) -> Work:
        """Start a function; it stops before its first call."""
        self.turn += 1
        begun = Work(Process(work, turns=self.turns, began=self.turn), pushed, name, job_id)
        self.at_work.append(begun)
        return begun

    def begin_accept(self, job: Job) -> Work:
        jobs, queue = self.turns.guard(self.jobs), OneByOne(self.turns.guard(self.queue))
        return self.begin("accept", lambda: accept(job, [], jobs=jobs, publisher=queue))

    def begin_cancel(self, organization_id: str, job_id: str) -> Work:
        jobs, queue = self.turns.guard(self.jobs), OneByOne(self.turns.guard(self.queue))
        return self.begin(
            "cancel",
            lambda: cancel(organization_id, job_id, jobs=jobs, publisher=queue, now=self.clock.now()),
        )

    def begin_retry(self, organization_id: str, job_id: str) -> Work:
        jobs, queue = self.turns.guard(self.jobs), OneByOne(self.turns.guard(self.queue))
        return self.begin(
            "retry",
            lambda: retry(
                organization_id, job_id, jobs=jobs, publisher=queue, now=self.clock.now(), kept=KEPT
            ),
            job_id=job_id,
        )

    def begin_pause(self, organization_id: str, job_id: str) -> Work:
        jobs, queue = self.turns.guard(self.jobs), OneByOne(self.turns.guard(self.queue))
        return self.begin(
            "pause",
            lambda: pause(organization_id, job_id, jobs=jobs, publisher=queue, now=self.clock.now()),
        )

    def begin_resume(self, organization_id: str, job_id: str) -> Work:
        jobs, queue = self.turns.guard(self.jobs), OneByOne(self.turns.guard(self.queue))
        return self.begin(
            "resume",
            lambda: resume(
                organization_id, job_id, jobs=jobs, publisher=queue, now=self.clock.now(), kept=KEPT
            ),
            job_id=job_id,
        )

    def begin_push(self, pushed: Pushed) -> Work:
        """Push a waiting message to its function, or to dead letters after too many attempts."""
        self.underway.remove(pushed)
        pushed.tried += 1
        dead = pushed.tried > TRIES
        run = partial(self.dead_letter.run, attempts=TRIES) if dead else self.handle.run
        name = "dead_letter" if dead else pushed.message.kind
        job_id = pushed.message.job_id
        return self.begin(name, lambda: run(pushed.message), pushed=pushed, job_id=job_id)

    def go_on(self, work: Work, calls: int) -> None:
        """Let the function make this many calls; when it ends, Pub/Sub gets its answer."""
        self.turn += 1
        work.process.go_on(calls)
        if work.process.ended:
            self._end(work)
        arrived = self.queue.taken()
        self.underway += [Pushed(self.clock.monotonic(), message) for message in arrived]

    def kill(self, work: Work) -> None:
        work.process.kill()
        self._end(work)

    def heal(self) -> None:
        """End all lasting faults, except receivers with a size limit."""
        self.turns.down.clear()
        self.unloads.errors.clear()
        for url in [url for url, mood in self.receivers.moods.items() if mood is not Mood.TIRED]:
            del self.receivers.moods[url]

    def due(self) -> list[Pushed]:
        return [pushed for pushed in self.underway if pushed.due <= self.clock.monotonic()]

    def pass_time(self, seconds: float, frozen: Callable[[DrivenPulse], bool] = lambda _: False) -> None:
        """Let time pass with heartbeats, except those of functions that are ``frozen`` meanwhile."""
        if seconds >= _SLOW and self.at_work:
            self.trouble = True
        end = self.clock.monotonic() + seconds
        while (left := end - self.clock.monotonic()) > _TICK:
            FakeClock.sleep(self.clock, min(left, 2.5))
            self.unloads.write()
            for pulse in self.pulses:
                if not frozen(pulse):
                    pulse.beat()

    def _end(self, work: Work) -> None:
        self.at_work.remove(work)
        error = work.process.error
        if not isinstance(error, BackfillError | Killed | None):
            raise error
        if self.reports and not isinstance(self.reports[-1], BackfillError):
            raise self.reports[-1]
        if work.pushed is None:
            if work.name in {"retry", "resume"} and work.process.met_trouble:
                # It is unknown whether its message was published: the sweep publishes it again.
                self.unmoved.add(work.job_id)
            return
        dead_end = work.name == "dead_letter"
        if isinstance(error, Killed) or (error and error.disposition is Disposition.RETRY):
            pauses = BACKOFFS[min(work.pushed.tried, len(BACKOFFS)) - 1]
            work.pushed.due = self.clock.monotonic() + pauses
            self.underway.append(work.pushed)
            return
        self.acknowledged.append(work.pushed.message)
        if dead_end:
            self.unmoved.add(work.pushed.message.job_id)
