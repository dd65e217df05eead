"""Faults end and time passes until everything comes to rest."""

from shared.domain.jobs import JobStatus
from tests.model.service import Service
from tests.model.turns import TO_THE_END
from tests.model.watch import Watch
from tests.unit.steps.world import SWEEP_PAUSE

LONGEST = 4 * 3600.0
"""Seconds within which everything is at rest: Pub/Sub's attempts and the sweep's limits take no longer."""


def come_to_rest(service: Service, watch: Watch) -> None:
    """Heal all parts, continue until no work is left, then check the result."""
    service.heal()
    end = service.clock.monotonic() + LONGEST
    next_sweep = service.clock.monotonic()
    while service.at_work or service.underway or list(service.jobs.active()):
        assert service.clock.monotonic() < end, "not at rest in time"
        if service.clock.monotonic() >= next_sweep:
            service.begin("sweep", service.sweep.run)
            next_sweep = service.clock.monotonic() + SWEEP_PAUSE
        for pushed in service.due():
            service.begin_push(pushed)
        resuming = {work.job_id for work in service.at_work if work.name == "resume"}
        for job in [job for job in watch.seen.values() if job.paused and job.job_id not in resuming]:
            service.begin_resume(job.organization_id, job.job_id)
        awake = [work for work in service.at_work if not work.process.asleep]
        for work in awake:
            service.go_on(work, TO_THE_END)
            watch.check(work)
        if not awake:
            _skip(service, next_sweep)
            watch.check()
    watch.at_rest()


def retry_what_failed(service: Service, watch: Watch) -> None:
    """Retry failed jobs; without further faults they complete."""
    failed = [job for job in watch.seen.values() if job.status is JobStatus.FAILED]
    for job in failed:
        retry = service.begin_retry(job.organization_id, job.job_id)
        service.go_on(retry, TO_THE_END)
        assert retry.process.error is None
        watch.check(retry)
    if failed:
        come_to_rest(service, watch)
    for job in failed:
        assert service.now(job).status is JobStatus.COMPLETED, service.now(job).error_message


def _skip(service: Service, next_sweep: float) -> None:
    """Let time pass until there is work."""
    due = [pushed.due for pushed in service.underway]
    wakes = [work.process.wakes for work in service.at_work]
    service.pass_time(max(0.01, min([next_sweep, *due, *wakes]) - service.clock.monotonic()))
