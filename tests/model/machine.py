"""The state machine: all events of the service, in any order."""

import random
import sys
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.domain.destination import Destination
from shared.domain.errors import BackfillError, JobUnknown, StateConflict, Unavailable, UnloadRefused
from shared.domain.idempotency import idempotency
from shared.domain.jobs import Job, JobStatus, Window
from shared.domain.messages import TearDownJob
from tests.fakes.destinations import kafka, webhook
from tests.fakes.examples import new_job
from tests.fakes.faults import Fault
from tests.model.figures import Figures
from tests.model.receivers import Mood
from tests.model.rest import come_to_rest, retry_what_failed
from tests.model.service import PARTS, Service, Work
from tests.model.turns import TO_THE_END
from tests.model.watch import Watch
from tests.unit.steps.world import TRIES, Pushed

JOBS, AT_WORK, WAITING = 4, 4, 40
ORGANIZATIONS = ("acme", "globex")
SHAPES = ("kk", "k", "w", "kw", "kww", "ww", "ok", "okw", "wk", "a", "kaw")
"""Destinations: k a topic that jobs share, o a topic of the job's own, a one at least once, w a webhook."""

# One draw decides everything in a step: several would cost more than the step itself.
LUCK = st.integers(0, 2**32 - 1).map(random.Random)
Luck = random.Random
Trouble = Callable[[Luck], None]


class ServiceMachine(RuleBasedStateMachine):
    """Jobs of two organizations; ``figures`` counts over all machines of a run."""

    figures: Figures

    def __init__(self) -> None:
        super().__init__()
        self.figures.examples += 1
        self.service = Service(1)
        self.watch = Watch(self.service)
        self.jobs: list[Job] = []
        self.moved: Work | None = None
        self.troubles: tuple[Trouble, ...] = (
            self._kill,
            self._lose,
            self._use_up_attempts,
            self._outage,
            self._receiver,
            self._failing_unload,
            self._failing_unload,
        )

    # The clients.

    @precondition(lambda self: len(self.jobs) < JOBS)
    @rule(luck=LUCK)
    def create(self, luck: Luck) -> None:
        """Create a job, possibly as the repetition of a request whose answer was lost."""
        earlier = luck.choice(self.jobs) if self.jobs and luck.random() < 0.25 else None
        organization_id = earlier.organization_id if earlier else luck.choice(ORGANIZATIONS)
        self._create(luck, organization_id, luck.choice(SHAPES), earlier)

    def _create(self, luck: Luck, organization_id: str, shape: str, earlier: Job | None = None) -> None:
        number, rows = len(self.jobs), luck.choice((28, 13, 13, 7, 3, 3, 0))
        job = new_job(
            organization_id=organization_id,
            idempotency=earlier.idempotency if earlier else idempotency(f"key-{number}", "a request"),
            job_id=f"job-{number}",
            destinations=tuple(_destination(kind, number, index) for index, kind in enumerate(shape)),
            window=Window("block_timestamp", "2026-03-01T00:00:00", f"2026-03-01T00:00:{rows:02d}"),
            time_created=self.service.clock.now(),
            max_parallel_chunks=luck.choice((None, None, 1, 2)),
        )
        self.jobs.append(job)
        if luck.random() < 0.4:
            self._put_out(luck, [job])
        self.service.unloads.seconds = luck.choice((0.0, 0.0, 2.0, 40.0, 600.0))
        self._go_on(self.service.begin_accept(job), luck)

    @precondition(lambda self: self.jobs)
    @rule(luck=LUCK)
    def cancel(self, luck: Luck) -> None:
        # Cancelling a job just when its last chunk was delivered is rare, and critical.
        emptied = [job for job in self.jobs if job.job_id in self.watch.emptied()]
        job = luck.choice(emptied or self.jobs)
        if emptied or luck.random() < 0.2:
            self._go_on(self.service.begin_cancel(job.organization_id, job.job_id), luck)
        elif not self.service.turns.down:
            [other] = set(ORGANIZATIONS) - {job.organization_id}
            work = self.service.begin_cancel(other, job.job_id)
            self._run(work, TO_THE_END)
            assert isinstance(work.process.error, JobUnknown), "another organization's job was found"

    @precondition(lambda self: any(job.status is JobStatus.FAILED for job in self.watch.seen.values()))
    @rule(luck=LUCK)
    def retry(self, luck: Luck) -> None:
        """Retry mostly failed jobs; others refuse."""
        failed = [job for job in self.watch.seen.values() if job.status is JobStatus.FAILED]
        job = luck.choice([*failed, *failed, *failed, luck.choice(self.jobs)])
        self._go_on(self.service.begin_retry(job.organization_id, job.job_id), luck)

    @precondition(lambda self: self.jobs)
    @rule(luck=LUCK)
    def pause_or_resume(self, luck: Luck) -> None:
        """Resume paused jobs more often than pausing others."""
        paused = [job for job in self.watch.seen.values() if job.paused]
        job = luck.choice(paused or self.jobs)
        resumes = luck.random() < (0.8 if paused else 0.1)
        begin = self.service.begin_resume if resumes else self.service.begin_pause
        self._go_on(begin(job.organization_id, job.job_id), luck)

    # Pub/Sub and the functions.

    @precondition(lambda self: self._room() and self.service.due())
    @rule(luck=LUCK)
    def deliver(self, luck: Luck) -> None:
        self._go_on(self.service.begin_push(luck.choice(self.service.due())), luck)

    @precondition(lambda self: self._room() and self.service.due())
    @rule(luck=LUCK)
    def deliver_some(self, luck: Luck) -> None:
        for _ in range(luck.randint(2, 6)):
            if due := self.service.due():
                self._run(self.service.begin_push(luck.choice(due)), TO_THE_END)
                self.watch.check(self.moved)

    @precondition(lambda self: self._room(2) and self.service.due())
    @rule(luck=LUCK)
    def race(self, luck: Luck) -> None:
        """Start a function with the message that another one is still handling."""
        pushed = luck.choice(self.service.due())
        twin = self._publish(pushed.message)
        first = self.service.begin_push(pushed)
        self._run(first, luck.randrange(25))
        self.watch.check(self.moved)
        self._go_on(self.service.begin_push(twin), luck)
        self.watch.check(self.moved)
        if first in self.service.at_work:
            self._go_on(first, luck)

    @precondition(lambda self: self._room(2) and self._teardowns())
    @rule(luck=LUCK)
    def outlast(self, luck: Luck) -> None:
        """Stop a teardown before it deletes a topic; another one does its work meanwhile, and the next job
        uses the topic again.
        """
        pushed = luck.choice(self._teardowns())
        twin = self._publish(pushed.message)
        first = self.service.begin_push(pushed)
        while not (first.process.ended or first.process.asleep or first.process.before == "Kafka.delete"):
            self._run(first, 1)
            self.watch.check(self.moved)
        self.service.trouble = True
        self.service.pass_time(70.0)
        self._run(self.service.begin_push(twin), TO_THE_END)
        self.watch.check(self.moved)
        if len(self.jobs) < JOBS and first in self.service.at_work:
            self._create(luck, pushed.message.organization_id, "k")
            for _ in range(luck.randint(1, 4)):
                self.deliver_some(luck)
            self._go_on(first, luck)

    @precondition(lambda self: self.service.at_work)
    @rule(luck=LUCK)
    def go_on(self, luck: Luck) -> None:
        self._go_on(luck.choice(self.service.at_work), luck)

    @precondition(lambda self: self.service.at_work)
    @rule(luck=LUCK)
    def take_turns(self, luck: Luck) -> None:
        for _ in range(luck.randint(4, 20)):
            if self.service.at_work:
                self._run(luck.choice(self.service.at_work), 1)
                self.watch.check(self.moved)
            if self.watch.emptied() and luck.random() < 0.3:
                self.cancel(luck)
                return

    @precondition(lambda self: len(self.service.underway) < WAITING)
    @rule(luck=LUCK)
    def duplicate(self, luck: Luck) -> None:
        pushed = [work.pushed for work in self.service.at_work if work.pushed] + self.service.underway
        if pushed:
            self._publish(luck.choice(pushed).message)

    @precondition(lambda self: self.service.acknowledged and len(self.service.underway) < WAITING)
    @rule()
    def replay(self) -> None:
        for message in dict.fromkeys(self.service.acknowledged):
            self._publish(message)

    @precondition(lambda self: self.jobs and self._room())
    @rule(luck=LUCK)
    def sweep(self, luck: Luck) -> None:
        self._go_on(self.service.begin("sweep", self.service.sweep.run), luck)

    @precondition(lambda self: self.jobs)
    @rule(luck=LUCK)
    def pass_time(self, luck: Luck) -> None:
        """Let time pass with heartbeats, except those of functions without processor time."""
        stopped = [work.process for work in self.service.at_work if luck.random() < 0.3]
        self.service.trouble = self.service.trouble or bool(stopped)
        seconds = luck.choice((1.0, 2.0, 6.0, 16.0, 70.0))
        self.service.pass_time(seconds, lambda pulse: pulse.process in stopped)

    @precondition(lambda self: self.jobs)
    @rule(luck=LUCK)
    def trouble(self, luck: Luck) -> None:
        luck.choice(self.troubles)(luck)

    @rule()
    def heal(self) -> None:
        self.service.heal()

    @invariant()
    def holds(self) -> None:
        self.figures.steps += 1
        moved, self.moved = self.moved, None
        self.watch.check(moved)

    def _kill(self, luck: Luck) -> None:
        if self.service.at_work:
            self.service.trouble = True
            self.service.kill(luck.choice(self.service.at_work))

    def _lose(self, luck: Luck) -> None:
        if self.service.underway:
            self.service.trouble = True
            lost = self.service.underway.pop(luck.randrange(len(self.service.underway)))
            self.service.unmoved.add(lost.message.job_id)

    def _use_up_attempts(self, luck: Luck) -> None:
        if self.service.underway:
            self.service.trouble = True
            # A message from before a retry must harm nothing, and is rare.
            retries = {job.job_id: job.retry for job in self.watch.seen.values()}
            earlier = [
                pushed
                for pushed in self.service.underway
                if not isinstance(pushed.message, TearDownJob)
                and pushed.message.retry < retries.get(pushed.message.job_id, 0)
            ]
            luck.choice(earlier or self.service.underway).tried = TRIES

    def _outage(self, luck: Luck) -> None:
        self.service.trouble = True
        self.service.turns.down.add(luck.choice(PARTS))

    def _receiver(self, luck: Luck) -> None:
        self._put_out(luck, [job for job in self.watch.seen.values() if not job.status.is_terminal])

    def _put_out(self, luck: Luck, jobs: list[Job]) -> None:
        """Change the mood of one of the jobs' receivers."""
        urls = [one.options["url"] for job in jobs for one in job.destinations if one.type == "webhook"]
        if urls:
            self.service.trouble = True
            self.service.receivers.moods[luck.choice(urls)] = luck.choice(list(Mood))

    def _failing_unload(self, luck: Luck) -> None:
        self.service.trouble = True
        refused, passing = UnloadRefused("There is no such column"), Unavailable("Snowflake")
        self.service.unloads.errors.append(luck.choice((refused, passing)))

    def teardown(self) -> None:
        try:
            if sys.exc_info()[1] is None:
                come_to_rest(self.service, self.watch)
                retry_what_failed(self.service, self.watch)
                self._count()
        finally:
            for work in list(self.service.at_work):
                work.process.kill()

    def _count(self) -> None:
        figures, service = self.figures, self.service
        figures.ends.update(job.status.value for job in self.watch.seen.values())
        figures.retries += sum(job.retry for job in self.watch.seen.values())
        figures.calls += service.turns.made
        figures.faults += service.turns.met
        figures.repeats += service.receivers.repeats
        figures.rows += sum(
            len(topic.rows) + len(topic.loose_rows) for topic in service.kafka.topics.values()
        ) + sum(len(service.receivers.rows(url)) for url in service.receivers.taken)

    def _go_on(self, work: Work, luck: Luck) -> None:
        """Let the function continue a little or to its end, possibly with a fault."""
        if luck.random() < 0.4:
            self.service.trouble = True
            work.process.strike(luck.randrange(8), luck.choice(list(Fault)))
        self._run(work, luck.choice((luck.randint(1, 25), TO_THE_END)))

    def _run(self, work: Work, calls: int) -> None:
        self.moved = work
        self.service.go_on(work, calls)
        if work.process.ended:
            self._heard(work)

    def _heard(self, work: Work) -> None:
        """Check that the API's answers to its client are true."""
        error = work.process.error
        if work.name not in {"accept", "cancel", "retry", "pause", "resume"} or not isinstance(
            error, BackfillError | None
        ):
            return
        stored = {job_id: stored.job for (_, job_id), stored in self.service.jobs.stored.items()}
        if work.name == "cancel" and error is None:
            answer: Any = work.process.answer
            assert stored[answer.job_id].status is JobStatus.CANCELLED
        elif work.name == "accept" and error is None:
            job: Any = work.process.answer
            assert job.job_id in stored
            self.watch.told.add(job.job_id)
        elif error is not None and work.name != "accept":
            assert isinstance(error, JobUnknown | StateConflict | Unavailable)

    def _teardowns(self) -> list[Pushed]:
        """Return messages that tear a cancelled job down."""
        return [
            pushed
            for pushed in self.service.due()
            if isinstance(pushed.message, TearDownJob)
            and self.watch.seen[pushed.message.organization_id, pushed.message.job_id].status
            is JobStatus.CANCELLED
        ]

    def _room(self, functions: int = 1) -> bool:
        return len(self.service.at_work) + functions <= AT_WORK

    def _publish(self, message: Any) -> Pushed:
        pushed = Pushed(self.service.clock.monotonic(), message)
        self.service.underway.append(pushed)
        return pushed


def _destination(kind: str, job: int, index: int) -> Destination:
    uid = f"{job}-{index}"
    if kind == "w":
        return webhook(f"hook{index}", uid, f"https://example.com/{uid}")
    name = f"own-{job}" if kind == "o" else "shared"
    delivery = "at_least_once" if kind == "a" else None
    return kafka(name if index == 0 else f"{name}-{index}", uid, delivery)
