"""The measured functions from Parquet into a bucket; each runs in its own process."""

import io
import uuid
from pathlib import Path

import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from bench import chunk
from bench.kafka_work import Watched
from bench.rows import rows_of
from bench.work import measured
from shared.adapters.gcs import GcsStagedFiles
from shared.destinations import destination
from shared.destinations.gcs.sink import GcsSink
from shared.steps.sending import ChunkDelivery

_BATCH_ROWS = 1_024
_PART = 8 << 20  # bytes per upload request, like the product


def product(path: str, url: str) -> dict[str, float]:
    """Send lines of JSON with the product's sink; a Parquet file is only copied, which costs nothing here."""
    rows, client = pq.read_metadata(path).num_rows, _client(url)
    target = destination(type="gcs", name="lake", uid="uid", bucket=_bucket(client), format="ndjson")
    one = ChunkDelivery(chunk.ORGANIZATION, str(uuid.uuid4()), "attempt", 0, rows, target, _BATCH_ROWS, 0)
    sink = GcsSink(client, "staging", GcsStagedFiles(client, "staging"), least=0.0)
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(one, rows_of(file, path), Watched())
    return found


def bare(path: str, url: str) -> dict[str, float]:
    """Upload prepared lines with the client itself, in parts of the same size."""
    rows, client = pq.read_metadata(path).num_rows, _client(url)
    content = io.BytesIO()
    with Path(path).open("rb") as file:
        for batch in rows_of(file, path).batches(_BATCH_ROWS):
            content.writelines(line + b"\n" for line in batch.lines())
    content.seek(0)
    blob = client.bucket(_bucket(client)).blob("lines", chunk_size=_PART)
    with measured(rows) as found:
        blob.upload_from_file(content, if_generation_match=0)
    return found


def encode_only(path: str) -> dict[str, float]:
    """Encode only the lines."""
    rows = pq.read_metadata(path).num_rows
    with measured(rows) as found, Path(path).open("rb") as file:
        for batch in rows_of(file, path).batches(_BATCH_ROWS):
            assert batch.lines()
    return found


def _bucket(client: Client) -> str:
    return str(client.create_bucket(f"bench-{uuid.uuid4().hex[:12]}").name)


def _client(url: str) -> Client:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # untyped there
    return Client(project="bench", credentials=credentials, client_options={"api_endpoint": url})
