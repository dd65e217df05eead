"""Wire delivery."""

import random
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from google.cloud.secretmanager import SecretManagerServiceClient
from google.cloud.storage import Client

from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.adapters.gcs import GcsStagedFiles
from shared.adapters.pubsub import Pushed
from shared.adapters.secrets import SecretManagerSecrets
from shared.adapters.secrets_file import FileSecrets
from shared.bootstrap.clients import (
    deliveries,
    firestore_client,
    monotonic,
    new_id,
    now,
    publisher,
    sleep,
)
from shared.bootstrap.logs import report
from shared.bootstrap.memory import keep_freed_memory
from shared.chunks import Chunk
from shared.columns import Column
from shared.config import Settings
from shared.destinations.connections import Connections
from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.kafka import KafkaSink
from shared.destinations.kafka_settings import KafkaLimits
from shared.destinations.webhook import Secrets, WebhookLimits, WebhookSink
from shared.encoding import ParquetRows
from shared.jobs import Job
from shared.messages import DeliverChunk
from shared.steps.deliver import Deliver
from shared.steps.finish import Finish
from shared.steps.handle import Handle
from shared.steps.heartbeat import Heartbeat
from shared.steps.pass_on import PassOn
from shared.steps.ports import Lease

_USER_AGENT = "backfills/1"
_SECRET_SECONDS = 10.0


def build(settings: Settings) -> Callable[[Pushed], None]:
    keep_freed_memory()
    client = firestore_client(settings)
    jobs = FirestoreJobs(client, report)
    queue = publisher(settings, timeout=30)
    finish = Finish(jobs, queue, now)
    # A destination whose turn comes with less of the handler's time left gets a message of its own.
    least = settings.delivery_deadline / 2
    webhook = WebhookSink(
        connections=Connections(
            Guard(system_resolve, system_connect, insecure=settings.allow_insecure_webhooks),
            user_agent=_USER_AGENT,
            tls=ssl.create_default_context(),
        ),
        secrets=_secrets(settings),
        now=now,
        monotonic=monotonic,
        sleep=sleep,
        nonce=lambda: str(new_id()),
        random=random.random,
        limits=WebhookLimits(least=least),
    )
    kafka = KafkaSink(settings.kafka_client, monotonic=monotonic, limits=KafkaLimits(least=least))

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
        files=GcsStagedFiles(Client(project=settings.project), settings.staging_bucket),
        read_rows=_read_rows,
        sinks={"kafka": kafka, "webhook": webhook},
        publisher=queue,
        finish=finish,
        pass_on=PassOn(chunks, records, queue, random.choice),
        keep_alive=keep_alive,
        time_limit=settings.delivery_deadline,
        now=now,
        monotonic=monotonic,
        events=report,
    )
    handle = Handle({DeliverChunk: step.run}, finish)
    return lambda pushed: handle.run(pushed.message)


def _secrets(settings: Settings) -> Secrets:
    if settings.secrets_file:
        return FileSecrets(Path(settings.secrets_file))
    return SecretManagerSecrets(
        SecretManagerServiceClient(), settings.project, timeout=_SECRET_SECONDS, monotonic=monotonic
    )


def _read_rows(
    file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
) -> ParquetRows:
    return ParquetRows(file, columns, key_column, chunk.name, expected_rows=chunk.rows)
