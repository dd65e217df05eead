"""Wire the sweep."""

import logging

from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.snowflake import SnowflakeUnloads
from shared.bootstrap.clients import firestore_client, now, publisher
from shared.bootstrap.logs import log
from shared.config import Settings
from shared.errors import BackfillError
from shared.jobs import Job
from shared.steps.finish import Finish
from shared.steps.sweep import Sweep, SweepLimits


def build(settings: Settings) -> Sweep:
    jobs = FirestoreJobs(firestore_client(settings))
    queue = publisher(settings, timeout=30)
    limits = SweepLimits(
        unconfirmed=settings.unconfirmed_limit,
        nudge=settings.nudge_pause,
        stalled=settings.stall_limit,
        staging=settings.staging_limit,
        job=settings.job_limit,
    )
    return Sweep(
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
        report=_report,
    )


def _report(job: Job, error: Exception) -> None:
    fields = {"organization_id": job.organization_id, "job_id": job.job_id}
    if isinstance(error, BackfillError):
        log(logging.WARNING, error.message, fields | {"detail": error.detail})
    else:
        log(logging.ERROR, "the job could not be looked after", fields, error=error)
