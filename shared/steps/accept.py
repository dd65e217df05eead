"""Accept: record a new job and publish its stage message. Both happen or neither, once per key."""

from collections.abc import Sequence

from shared.domain.errors import Busy, KeyReused, RetryLater, StaleMessage
from shared.domain.jobs import FilterValue, Job
from shared.domain.messages import StageJob
from shared.domain.transitions import confirm
from shared.steps.ports import Publisher
from shared.steps.records import Jobs


def accept(job: Job, filter_values: Sequence[FilterValue], *, jobs: Jobs, publisher: Publisher) -> Job:
    """Return the accepted job. Raises Unavailable if the service cannot guarantee that the job runs.

    Until the job is confirmed, clients do not see it and staging does not begin. If the process or Firestore
    fails before the job is removed again, the sweep removes it. A client that got 503 may therefore safely
    retry. Such a job still runs in one case: the confirmation was stored, its answer was lost, and the job
    could not be read again. An idempotency key protects the client from that case too.

    If the idempotency key was used before, complete the first request, whose process may have crashed, and
    return its job. Raises KeyReused if the key belongs to a different request.
    """
    accepted = job
    try:
        first = jobs.create(job, filter_values)
        if first is not None:
            accepted = _of_this_key(job, first, jobs)
        if not accepted.confirmed:
            # Two concurrent requests both publish. Staging handles that like one message delivered twice.
            publisher.publish(accepted, [StageJob(accepted.organization_id, accepted.job_id, accepted.retry)])
            accepted = _confirmed(accepted, jobs)
    except RetryLater:
        if jobs.remove_unconfirmed(accepted):
            raise
        # The job is confirmed; only the answer to the confirmation was lost.
        return confirm(accepted)
    return accepted


def _of_this_key(job: Job, first: str, jobs: Jobs) -> Job:
    found = jobs.get(job.organization_id, first)
    if found is None or (not found.confirmed and found.idempotency != job.idempotency):
        # The first job was removed, or may still be removed, and then the key is free again.
        raise Busy("the first request with this Idempotency-Key is still in progress", detail=first)
    if found.idempotency != job.idempotency:
        raise KeyReused(
            "This Idempotency-Key was used for another request; use a new key for each request",
            detail=first,
        )
    return found


def _confirmed(job: Job, jobs: Jobs) -> Job:
    try:
        jobs.confirm(job)
    except StaleMessage as error:
        # Publishing took so long that the sweep assumed a crashed process and removed the job.
        raise Busy("the request took too long and was undone: send it again", detail=job.job_id) from error
    return confirm(job)
