"""Wire the sweep."""

import logging
import random
from dataclasses import dataclass

from flask import Request

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_retention import FirestoreRetention
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.callers import callers
from shared.bootstrap.clients import firestore_client, now, publisher
from shared.bootstrap.logs import log, report
from shared.bootstrap.push import AGAIN, Answer, Callers, refusal
from shared.config import Settings
from shared.domain.errors import BackfillError, RetryLater
from shared.domain.jobs import Job
from shared.steps.expire import Expire
from shared.steps.finish import Finish
from shared.steps.sweep import Sweep, SweepLimits

# The function's timeout is 300 s, and one job's questions may take some of them.
_SECONDS = 240.0
# Of old records, what is left is for the next sweep: jobs wait for that one.
_EXPIRING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sweeping:
    """The function's answers to Cloud Scheduler's calls."""

    callers: Callers
    sweep: Sweep
    expire: Expire

    def answer(self, request: Request) -> Answer:
        """Look after every job once, if there is time; answers after how many. Then remove old records."""
        if (refused := refusal(self.callers, request)) is not None:
            return refused
        try:
            looked_after, expired = self.sweep.run(), self.expire.run()
        except RetryLater as error:
            log(logging.WARNING, error.message, {"detail": error.detail})
            return AGAIN
        return f"{looked_after} jobs looked after, the records of {expired} removed\n", 200


def build(settings: Settings) -> Sweeping:
    client = firestore_client(settings)
    jobs = FirestoreJobs(client, report)
    queue = publisher(settings, timeout=30)
    limits = SweepLimits(
        unconfirmed=settings.unconfirmed_limit,
        nudge=settings.nudge_pause,
        stalled=settings.stall_limit,
        staging=settings.staging_limit,
        job=settings.job_limit,
        tear_down=settings.tear_down_pause,
        time=_SECONDS,
        in_flight=settings.lanes_to_share,
    )
    sweep = Sweep(
        jobs=jobs,
        unloads=SnowflakeUnloads(
            settings.snowflake_connect,
            location_stage=settings.snowflake_stage,
            statement_timeout=settings.unload_limit,
        ),
        publisher=queue,
        finish=Finish(jobs, queue, now),
        limits=limits,
        now=now,
        shuffle=random.shuffle,
        report=_report,
        events=report,
    )
    expire = Expire(
        jobs=jobs, retention=FirestoreRetention(client), time=_EXPIRING_SECONDS, now=now, report=_report
    )
    return Sweeping(callers(settings), sweep, expire)


def _report(job: Job, error: Exception) -> None:
    fields = {"organization_id": job.organization_id, "job_id": job.job_id}
    if isinstance(error, BackfillError):
        log(logging.WARNING, error.message, fields | {"detail": error.detail})
    else:
        log(logging.ERROR, "the job could not be looked after", fields, error=error)
