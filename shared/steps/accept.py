"""Accept: record a new job, then ask for it to be staged. Both or neither, and once for each key."""

from collections.abc import Sequence

from shared.domain.errors import Busy, KeyReused, RetryLater, StaleMessage
from shared.domain.jobs import FilterValue, Job, confirm
from shared.domain.messages import StageJob
from shared.steps.ports import Jobs, Publisher


def accept(job: Job, filter_values: Sequence[FilterValue], *, jobs: Jobs, publisher: Publisher) -> Job:
    """Answer the accepted job; Unavailable if it can't be known that it will run, and then it never does.

    The job is hidden, and not staged, until it is confirmed. If the process dies, or Firestore with it,
    before the job is taken back, the sweep removes it: a client that heard 503 may safely try again. It
    runs all the same only if the confirmation was stored, its answer was lost, and it could not be read
    again either; a key keeps a client safe from that too. With a key that was used before, the first job is
    answered, once it is accepted as well: whoever asked for it first may have died. KeyReused if it is
    another request's.
    """
    accepted = job
    try:
        first = jobs.create(job, filter_values)
        if first is not None:
            accepted = _of_this_key(job, first, jobs)
        if not accepted.confirmed:
            # Published twice where two ask at once, which staging takes for one message delivered twice.
            publisher.publish(accepted, [StageJob(accepted.organization_id, accepted.job_id, accepted.retry)])
            accepted = _confirmed(accepted, jobs)
    except RetryLater:
        if jobs.remove_unconfirmed(accepted):
            raise
        # It is confirmed, and only the answer to that was lost.
        return confirm(accepted)
    return accepted


def _of_this_key(job: Job, first: str, jobs: Jobs) -> Job:
    found = jobs.get(job.organization_id, first)
    if found is None or (not found.confirmed and found.idempotency != job.idempotency):
        # It was taken back, or may yet be, and then the key is free again.
        raise Busy("the first request with this Idempotency-Key is not settled yet", detail=first)
    if found.idempotency != job.idempotency:
        raise KeyReused(
            "This Idempotency-Key was used for another request; give each request a key of its own",
            detail=first,
        )
    return found


def _confirmed(job: Job, jobs: Jobs) -> Job:
    try:
        jobs.confirm(job)
    except StaleMessage as error:
        # Publishing took so long that the sweep, which takes such a job for a dead process's, was faster.
        raise Busy(
            "the request took too long and was taken back: send it again", detail=job.job_id
        ) from error
    return confirm(job)
