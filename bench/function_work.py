"""Prepare a delivery: a transporting job and its chunk's file in the bucket."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from google.cloud import firestore, storage

from bench import exactly_once, kafka_work, records
from infra.local import names
from shared.adapters.firestore_chunks import FirestoreChunks
from shared.adapters.firestore_jobs import FirestoreJobs
from shared.destinations import destination
from shared.domain.chunks import Chunk
from shared.domain.messages import DeliverChunk, to_data


def prepare(path: str, name: str) -> dict[str, Any]:
    """Stage the file as a chunk of a new job with one topic; return its message's push envelope."""
    exactly_once.create_topic(_bootstrap(), kafka_work.topic(name))
    message = staged(Path(path), name)
    data = base64.b64encode(to_data(message)).decode()
    return {"envelope": json.dumps({"message": {"data": data, "messageId": "1"}, "subscription": "bench"})}


def staged(path: Path, name: str) -> DeliverChunk:
    """Return the message of the first of a new job's two chunks, because the last delivery also ends the
    job.
    """
    client = firestore.Client(project=names.PROJECT)
    jobs = FirestoreJobs(client, lambda _event: None)
    size, rows = path.stat().st_size, pq.read_metadata(path).num_rows
    chunk, last = (Chunk(number, f"data_{number}.parquet", size, rows) for number in range(2))
    chunks = FirestoreChunks(client, jobs)
    job = records.transporting(jobs, chunks, [chunk, last], [destination(type="kafka", name=name, uid=name)])
    bucket = storage.Client(project=names.PROJECT).bucket(names.BUCKET)
    bucket.blob(job.attempt_prefix + chunk.name).upload_from_filename(str(path))
    return DeliverChunk(job.organization_id, job.job_id, job.require_attempt().attempt_id, job.retry, 0)


def _bootstrap() -> str:
    client: dict[str, str] = json.loads(os.environ["KAFKA_CLIENT"])
    return client["bootstrap.servers"]
