"""Expire: remove the records of a job's chunks when the retention period of its receipt is over."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from shared.domain import transitions
from shared.domain.jobs import Job
from shared.steps.ports import Clock
from shared.steps.records import Jobs, Retention

_JOBS = 20  # read per query


@dataclass(frozen=True, slots=True)
class Expire:
    """The step and its dependencies. A run ends after ``time`` seconds, and the next run continues.

    ``report`` receives each job whose records could not be removed in this run.
    """

    jobs: Jobs
    retention: Retention
    time: float
    now: Clock
    report: Callable[[Job, Exception], None]

    def run(self) -> int:
        """Remove due records until time runs out. Return the number of jobs left without records."""
        began, removed = self.now(), 0

        def time_is_left() -> bool:
            return (self.now() - began).total_seconds() < self.time

        for job in self.retention.due(began, _JOBS):
            if not time_is_left():
                break
            try:
                removed += self._remove(job, time_is_left)
            except Exception as error:  # noqa: BLE001 - an error of one job must not stop the others
                self.report(job, error)
        return removed

    def _remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        # Store this first. From then on the job cannot be retried, so nothing needs its records.
        transition = partial(transitions.expire, now=self.now())
        expired = self.jobs.change(job.organization_id, job.job_id, transition)
        if not self.retention.remove(expired, time_is_left):
            return False
        self.jobs.change(job.organization_id, job.job_id, transitions.forget)
        return True
