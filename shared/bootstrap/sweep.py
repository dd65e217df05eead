"""Wire the sweep."""

import logging
import random
from dataclasses import dataclass

from flask import Request

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.firestore_listings import FirestoreListings
from shared.adapters.firestore_retention import FirestoreRetention
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.callers import callers
from shared.bootstrap.clients import deliveries, firestore_client, now, publisher
from shared.bootstrap.logs import log, report
from shared.bootstrap.push import AGAIN, Answer, Callers, refusal
from shared.config import Settings
from shared.domain.errors import BackfillError, RetryLater
from shared.domain.jobs import Job
from shared.steps.expire import Expire
from shared.steps.finish import Finish
from shared.steps.sweep import Sweep, SweepLimits

# The function's timeout is 300 s, and the queries for one job may take part of it.
_SECONDS = 240.0
# The next sweep removes the remaining old records. This limit is short, because jobs wait for the next sweep.
_EXPIRING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Answers Cloud Scheduler's calls."""

    callers: Callers
    sweep: Sweep
    expire: Expire

    def answer(self, request: Request) -> Answer:
        """Handle every job once, if there is time, then remove old records. Return both numbers as text."""
        if (refused := refusal(self.callers, request)) is not None:
            return refused
        try:
            looked_after, expired = self.sweep.run(), self.expire.run()
        except RetryLater as error:
            log(logging.WARNING, error.message, {"detail": error.detail})
            return AGAIN
        return f"{looked_after} jobs handled, the records of {expired} removed\n", 200


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
        deliveries=deliveries(settings, client),
        listings=FirestoreListings(client, report),
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
        jobs=jobs,
        retention=FirestoreRetention(client, report),
        time=_EXPIRING_SECONDS,
        now=now,
        report=_report,
    )
    return Sweeping(callers(settings), sweep, expire)


def _report(job: Job, error: Exception) -> None:
    fields = {"organization_id": job.organization_id, "job_id": job.job_id}
    if isinstance(error, BackfillError):
        log(logging.WARNING, error.message, fields | {"detail": error.detail})
    else:
        log(logging.ERROR, "the sweep could not handle the job", fields, error=error)
