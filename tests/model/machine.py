"""The state machine: everything that may happen to the service, in any order."""

import sys
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.errors import BackfillError, JobUnknown, StateConflict, Unavailable, UnloadRefused
from shared.jobs import Destination, Job, JobStatus, KafkaDestination, WebhookDestination, Window
from tests.fakes.examples import new_job
from tests.fakes.faults import Fault
from tests.model.figures import Figures
from tests.model.receivers import Mood
from tests.model.rest import come_to_rest
from tests.model.service import PARTS, Service, Work
from tests.model.turns import TO_THE_END
from tests.model.watch import Watch
from tests.unit.steps.world import TRIES, Pushed

JOBS, AT_WORK, WAITING = 4, 4, 40
ORGANIZATIONS = ("acme", "globex")
PICK = st.integers(0, 255)
CALLS = st.sampled_from((1, 2, 3, 5, 8, TO_THE_END))
SHAPES = ("kk", "k", "w", "kw", "kww", "ww", "ok", "okw")
"""Destinations: k a topic that jobs share, o a topic of the job's own, w a webhook."""


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

    # The clients.

    @precondition(lambda self: len(self.jobs) < JOBS)
    @rule(
        organization=st.sampled_from(ORGANIZATIONS),
        shape=st.sampled_from(SHAPES),
        rows=st.sampled_from((13, 7, 3, 0)),
        calls=CALLS,
    )
    def create(self, organization: str, shape: str, rows: int, calls: int) -> None:
        number = len(self.jobs)
        job = new_job(
            organization_id=organization,
            job_id=f"job-{number}",
            destinations=tuple(_destination(kind, number, i) for i, kind in enumerate(shape)),
            window=Window("block_timestamp", "2026-03-01T00:00:00", f"2026-03-01T00:00:{rows:02d}"),
            time_created=self.service.clock.now(),
        )
        self.jobs.append(job)
        self._go_on(self.service.begin_accept(job), calls)

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, calls=CALLS)
    def cancel(self, pick: int, calls: int) -> None:
        job = self.jobs[pick % len(self.jobs)]
        self._go_on(self.service.begin_cancel(job.organization_id, job.job_id), calls)

    @precondition(lambda self: self.jobs and not self.service.turns.down)
    @rule(pick=PICK)
    def cancel_as_another_organization(self, pick: int) -> None:
        job = self.jobs[pick % len(self.jobs)]
        [other] = set(ORGANIZATIONS) - {job.organization_id}
        work = self.service.begin_cancel(other, job.job_id)
        self._go_on(work, TO_THE_END)
        assert isinstance(work.process.error, JobUnknown)

    # Pub/Sub and the functions.

    @precondition(lambda self: len(self.service.at_work) < AT_WORK and self.service.due())
    @rule(pick=PICK, calls=CALLS)
    def deliver(self, pick: int, calls: int) -> None:
        self._deliver(pick, calls)

    @precondition(lambda self: len(self.service.at_work) < AT_WORK and self.service.due())
    @rule(pick=PICK)
    def deliver_and_wait(self, pick: int) -> None:
        self._deliver(pick, TO_THE_END)

    def _deliver(self, pick: int, calls: int) -> None:
        due = self.service.due()
        self._go_on(self.service.begin_push(due[pick % len(due)]), calls)

    @precondition(lambda self: self.service.at_work)
    @rule(pick=PICK, calls=CALLS)
    def go_on(self, pick: int, calls: int) -> None:
        self._go_on(self._at_work(pick), calls)

    @precondition(lambda self: len(self.service.at_work) > 1)
    @rule(picks=st.lists(PICK, min_size=4, max_size=12))
    def take_turns(self, picks: list[int]) -> None:
        for pick in picks:
            if self.service.at_work:
                self._go_on(self._at_work(pick), 1)
                self.watch.check(self.moved)

    @precondition(lambda self: self.service.underway and len(self.service.underway) < WAITING)
    @rule(pick=PICK)
    def duplicate(self, pick: int) -> None:
        message = self.service.underway[pick % len(self.service.underway)].message
        self._publish(message)

    @precondition(lambda self: any(work.pushed for work in self.service.at_work))
    @rule(pick=PICK)
    def duplicate_at_work(self, pick: int) -> None:
        pushed = [work.pushed for work in self.service.at_work if work.pushed]
        self._publish(pushed[pick % len(pushed)].message)

    @precondition(lambda self: self.service.acknowledged and len(self.service.underway) < WAITING)
    @rule()
    def replay(self) -> None:
        for message in dict.fromkeys(self.service.acknowledged):
            self._publish(message)

    @precondition(lambda self: self.service.underway)
    @rule(pick=PICK)
    def lose(self, pick: int) -> None:
        lost = self.service.underway.pop(pick % len(self.service.underway))
        self.service.trouble = True
        self.service.unmoved.add(lost.message.job_id)

    @precondition(lambda self: self.service.underway)
    @rule(pick=PICK)
    def use_up_attempts(self, pick: int) -> None:
        self.service.trouble = True
        self.service.underway[pick % len(self.service.underway)].tried = TRIES

    @precondition(lambda self: len(self.service.at_work) < AT_WORK)
    @rule(calls=CALLS)
    def sweep(self, calls: int) -> None:
        self._go_on(self.service.begin("sweep", self.service.sweep.run), calls)

    # Trouble.

    @precondition(lambda self: self.service.at_work)
    @rule(pick=PICK, calls=st.integers(0, 12), fault=st.sampled_from(Fault))
    def strike(self, pick: int, calls: int, fault: Fault) -> None:
        self.service.trouble = True
        self._at_work(pick).process.strike(calls, fault)

    @precondition(lambda self: self.service.at_work)
    @rule(pick=PICK)
    def kill(self, pick: int) -> None:
        self.service.trouble = True
        self.service.kill(self._at_work(pick))

    @rule(part=st.sampled_from(PARTS), comes_back=st.booleans())
    def outage(self, part: str, comes_back: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        if comes_back:
            self.service.turns.down.clear()
        else:
            self.service.trouble = True
            self.service.turns.down.add(part)

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, mood=st.sampled_from(Mood))
    def receiver(self, pick: int, mood: Mood) -> None:
        self.service.trouble = self.service.trouble or mood is not Mood.ACCEPTS
        urls = [d.url for job in self.jobs for d in job.destinations if isinstance(d, WebhookDestination)]
        if urls:
            self.service.receivers.moods[urls[pick % len(urls)]] = mood

    @rule(seconds=st.sampled_from((0.0, 2.0, 40.0, 600.0)))
    def slow_unloads(self, seconds: float) -> None:
        self.service.unloads.seconds = seconds

    @rule(refused=st.booleans())
    def failing_unload(self, refused: bool) -> None:  # noqa: FBT001 - hypothesis draws it
        self.service.trouble = True
        error = UnloadRefused("There is no such column") if refused else Unavailable("Snowflake")
        self.service.unloads.errors.append(error)

    @rule(seconds=st.sampled_from((1.0, 2.0, 6.0, 16.0, 70.0)), frozen=st.integers(0, 15))
    def pass_time(self, seconds: float, frozen: int) -> None:
        processes = [work.process for work in self.service.at_work]
        stopped = [process for i, process in enumerate(processes) if frozen >> i & 1]
        self.service.trouble = self.service.trouble or bool(stopped)
        self.service.pass_time(seconds, lambda pulse: pulse.process in stopped)

    @invariant()
    def holds(self) -> None:
        self.figures.steps += 1
        moved, self.moved = self.moved, None
        self.watch.check(moved)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[1] is None:
                come_to_rest(self.service, self.watch)
                self.figures.ends.update(str(job.status) for job in self.watch.seen.values())
                self.figures.calls += self.service.turns.made
                self.figures.faults += self.service.turns.met
        finally:
            for work in list(self.service.at_work):
                work.process.kill()

    def _go_on(self, work: Work, calls: int) -> None:
        self.moved = work
        self.service.go_on(work, calls)
        if work.process.ended:
            self._heard(work)

    def _heard(self, work: Work) -> None:
        """What the API told its client is true."""
        error = work.process.error
        if work.name not in {"accept", "cancel"} or not isinstance(error, BackfillError | None):
            return
        stored = {job_id: stored.job for (_, job_id), stored in self.service.jobs.stored.items()}
        if work.name == "cancel" and error is None:
            answer: Any = work.process.answer
            assert stored[answer.job_id].status is JobStatus.CANCELLED
        elif work.name == "accept" and error is None:
            job: Any = work.process.answer
            assert stored[job.job_id].job_id == job.job_id
        elif work.name == "cancel":
            assert isinstance(error, JobUnknown | StateConflict | Unavailable)

    def _at_work(self, pick: int) -> Work:
        return self.service.at_work[pick % len(self.service.at_work)]

    def _publish(self, message: Any) -> None:
        self.service.underway.append(Pushed(self.service.clock.monotonic(), message))


def _destination(kind: str, job: int, index: int) -> Destination:
    uid = f"{job}-{index}"
    if kind == "w":
        return WebhookDestination(f"hook{index}", uid, f"https://example.com/{uid}", None)
    name = "shared" if kind == "k" else f"own-{job}"
    return KafkaDestination(name if index == 0 else f"{name}-{index}", uid)
