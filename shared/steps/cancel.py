"""Cancel: end a job at its client's wish. What it leaves behind is removed by the staging function."""

import contextlib
from datetime import datetime
from functools import partial

from shared.domain import jobs as domain
from shared.domain.errors import RetryLater
from shared.domain.messages import TearDownJob
from shared.steps.find import find_for_client
from shared.steps.finish import Finish
from shared.steps.ports import Jobs, Publisher


def cancel(
    organization_id: str, job_id: str, *, jobs: Jobs, publisher: Publisher, now: datetime
) -> domain.Job:
    """Answer the cancelled job; JobUnknown, or StateConflict when it ended otherwise.

    A job of which nothing is left to deliver is completed first, and then refuses.
    """
    job = find_for_client(organization_id, job_id, jobs=jobs)
    Finish(jobs, publisher, lambda: now).if_all_delivered(job)
    job = jobs.change(organization_id, job_id, partial(domain.cancel, now=now))
    if not job.torn_down:
        with contextlib.suppress(RetryLater):
            # The job is cancelled whatever happens here: the sweep asks again.
            publisher.publish(job, [TearDownJob(organization_id, job_id)])
    return job
