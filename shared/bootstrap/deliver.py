"""Wire delivery."""

import random
from collections.abc import Callable
from datetime import timedelta

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.pubsub import Pushed
from shared.bootstrap.clients import (
    deliveries,
    firestore_client,
    monotonic,
    now,
    publisher,
)
from shared.bootstrap.destinations import Parts, surroundings
from shared.bootstrap.encoder import read_rows
from shared.bootstrap.logs import report
from shared.bootstrap.memory import keep_freed_memory
from shared.bootstrap.staged_files import staged_files
from shared.config import Settings
from shared.destinations import KINDS
from shared.destinations.rotation import sink_of
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk
from shared.steps.circuits import Circuits
from shared.steps.deliver import Deliver
from shared.steps.finish import Finish
from shared.steps.handle import Handle
from shared.steps.heartbeat import Heartbeat
from shared.steps.pass_on import PassOn
from shared.steps.records import Lease


def build(settings: Settings) -> Callable[[Pushed], None]:
    keep_freed_memory()
    client = firestore_client(settings)
    jobs = FirestoreJobs(client, report)
    queue = publisher(settings, timeout=30)
    finish = Finish(jobs, queue, now)

    def keep_alive(job: Job, lease: Lease, deadline: float) -> Heartbeat:
        return Heartbeat(
            lease,
            lambda: jobs.wanted(job),
            lease_length=settings.lease_length,
            status_pause=settings.status_pause,
            deadline=deadline,
            monotonic=monotonic,
        )

    chunks, records = FirestoreChunks(client, jobs), deliveries(settings, client)
    step = Deliver(
        jobs=jobs,
        chunks=chunks,
        deliveries=records,
        files=staged_files(settings),
        read_rows=read_rows(settings.encoder),
        sinks=Parts({name: sink_of(kind.sink) for name, kind in KINDS.items()}, surroundings(settings)),
        publisher=queue,
        finish=finish,
        pass_on=PassOn(chunks, records, queue, random.choice),
        keep_alive=keep_alive,
        circuits=Circuits(monotonic),
        time_limit=settings.delivery_deadline,
        markers_kept=timedelta(days=settings.kafka_marker_days),
        now=now,
        monotonic=monotonic,
        events=report,
    )
    handle = Handle({DeliverChunk: step.run}, finish)
    return lambda pushed: handle.run(pushed.message)
