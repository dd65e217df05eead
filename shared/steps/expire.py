"""Expire: remove the records of a job's chunks once its receipt was kept for long enough."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from shared.domain import jobs as domain
from shared.domain.jobs import Job
from shared.steps.ports import Clock, Jobs, Retention

_JOBS = 20  # looked up at once


@dataclass(frozen=True, slots=True)
class Expire:
    """The step with its parts; it ends after ``time`` seconds, and the next run goes on.

    ``report`` hears of a job whose records could not be removed this time.
    """

    jobs: Jobs
    retention: Retention
    time: float
    now: Clock
    report: Callable[[Job, Exception], None]

    def run(self) -> int:
        """Remove what is due, for as long as there is time; answers of how many jobs all is removed."""
        began, removed = self.now(), 0

        def time_is_left() -> bool:
            return (self.now() - began).total_seconds() < self.time

        for job in self.retention.due(began, _JOBS):
            if not time_is_left():
                break
            try:
                removed += self._remove(job, time_is_left)
            except Exception as error:  # noqa: BLE001 - one job's trouble must not keep the others waiting
                self.report(job, error)
        return removed

    def _remove(self, job: Job, time_is_left: Callable[[], bool]) -> bool:
        # Stored first: from then on the job can't be retried, and nothing needs its records.
        transition = partial(domain.expire, now=self.now())
        expired = self.jobs.change(job.organization_id, job.job_id, transition)
        if not self.retention.remove(expired, time_is_left):
            return False
        self.jobs.change(job.organization_id, job.job_id, domain.forget)
        return True
