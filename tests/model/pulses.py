"""A delivery's heartbeat, driven by the model's time instead of a thread."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.errors import Busy, DeliveryStopped, RetryLater, Unavailable
from shared.domain.jobs import Job
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.records import Lease
from tests.fakes.clock import FakeClock
from tests.model.turns import Process

RENEWAL = 5.0


@dataclass(slots=True, eq=False)
class DrivenPulse:
    """Implements the port Pulse for one delivery of ``process``; ``place`` is (job, attempt, chunk, uid)."""

    process: Process
    place: tuple[str, str, int, str]
    job: Job
    lease: Lease
    deadline: float
    lease_length: float
    clock: FakeClock
    wanted: Callable[[Job], bool]
    renewed: float
    reason: RetryLater | DeliveryStopped | None = None
    over: bool = False

    @property
    def alive(self) -> bool:
        """Return whether the lease certainly belongs to this process: held, and renewed in time."""
        held = not self.over and not self.process.ended and not self.process.dead
        return held and self.reason is None and self.clock.monotonic() - self.renewed < self.lease_length

    def check(self) -> None:
        if self.reason is not None:
            raise self.reason

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        self.lease.checkpoint(next_batch, skipped, splits)

    def seconds_left(self) -> float:
        return self.deadline - self.clock.monotonic()

    def beat(self) -> None:
        """Do what the thread does every few seconds."""
        if self.over or self.process.ended or self.process.dead or self.reason is not None:
            return
        if self.seconds_left() <= 0:
            self.reason = RetryLater("the time for this delivery was over before all rows were sent")
            return
        try:
            if not self.wanted(self.job):
                self.reason = DeliveryStopped("the job was paused, or ended")
            elif self.clock.monotonic() - self.renewed >= RENEWAL:
                self.lease.renew()
                self.renewed = self.clock.monotonic()
        except Busy as lost:
            self.reason = lost
        except RetryLater:
            if self.clock.monotonic() - self.renewed >= self.lease_length:
                self.reason = Unavailable("the job store")
