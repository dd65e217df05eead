"""The control path's measured functions; each runs in its own process."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from google.cloud import firestore
from google.pubsub_v1 import PublisherClient

from bench import records
from infra.local import names
from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.bootstrap.clients import publisher
from shared.config import read
from shared.domain.chunks import StagedFile, number_files
from shared.domain.messages import DeliverChunk

_COMMIT = 500
_REQUEST = 1000


def publish(count: int) -> dict[str, float]:
    """Publish with the product's publisher."""
    messages = _messages(count)
    queue = publisher(read({"GOOGLE_CLOUD_PROJECT": names.PROJECT}), timeout=120)
    job = records.new_job()
    queue.publish(job, messages[:1])  # connects
    with _timed() as found:
        queue.publish(job, messages)
    return found


def publish_bare(count: int) -> dict[str, float]:
    """Publish in a loop of the client's fastest call, a thousand messages per request, without its
    batching.
    """
    client = PublisherClient()
    topic = client.topic_path(names.PROJECT, names.CHUNKS_TOPIC)
    fields = {"kind": "deliver", **asdict(_messages(1)[0])}
    client.publish(request={"topic": topic, "messages": [{"data": json.dumps(fields).encode()}]})
    with _timed() as found:
        for start in range(0, count, _REQUEST):
            numbers = range(start, min(start + _REQUEST, count))
            data = [json.dumps(fields | {"chunk": number}).encode() for number in numbers]
            client.publish(request={"topic": topic, "messages": [{"data": each} for each in data]})
    return found


def record(count: int) -> dict[str, float]:
    """Record a manifest with the product's code."""
    client = firestore.Client(project=f"bench-{uuid.uuid4().hex[:8]}")
    jobs = FirestoreJobs(client, lambda _event: None)
    job = records.claimed(jobs)
    chunks = number_files([StagedFile(f"data_{n:05}.parquet", 32_000_000, 244_000) for n in range(count)])
    with _timed() as found:
        FirestoreChunks(client, jobs).record(job, chunks)
    return found


def record_bare(count: int) -> dict[str, float]:
    """Write the same documents with the client's own batches."""
    client = firestore.Client(project=f"bench-{uuid.uuid4().hex[:8]}")
    jobs = FirestoreJobs(client, lambda _event: None)
    job = records.claimed(jobs)
    path = (
        f"organizations/{job.organization_id}/jobs/{job.job_id}/attempts/{job.require_attempt().attempt_id}"
    )
    collection = client.collection(f"{path}/chunks")
    fields = [
        {
            "number": number,
            "name": f"data_{number:05}.parquet",
            "size": 32_000_000,
            "rows": 244_000,
            "delivered": False,
        }
        for number in range(count)
    ]
    with _timed() as found:
        for start in range(0, count, _COMMIT):
            batch = client.batch()
            for each in fields[start : start + _COMMIT]:
                batch.create(collection.document(f"{each['number']:08}"), each)
            batch.commit()
    return found


def _messages(count: int) -> list[DeliverChunk]:
    job_id, attempt_id = str(uuid.uuid4()), str(uuid.uuid4())
    return [DeliverChunk("bench", job_id, attempt_id, 0, number) for number in range(count)]


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    found: dict[str, float] = {}
    began, processor = time.perf_counter(), time.process_time()
    yield found
    found["seconds"] = time.perf_counter() - began
    found["cpu_seconds"] = time.process_time() - processor
