"""What is measured of the way from Parquet into a bucket; each function runs in a process of its own."""

import io
import uuid
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from bench import chunk
from bench.kafka_work import Watched
from bench.work import measured
from infra.local import names
from shared.destinations import destination
from shared.destinations.gcs.sink import GcsSink
from shared.encoding import ParquetRows
from shared.steps.sending import ChunkDelivery

BATCH_ROWS = 2_000
_STAGED = "bench.parquet"


def product(path: str, url: str, form: str) -> dict[str, float]:
    """The product's sink; a copy is of a file that is staged already."""
    rows, client = pq.read_metadata(path).num_rows, _client(url)
    client.bucket(names.BUCKET).blob(_STAGED).upload_from_filename(path)
    sink = GcsSink(client, staging_bucket=names.BUCKET, least=0.0)
    size = Path(path).stat().st_size
    to = destination(type="gcs", name="lake", uid="uid", bucket=names.EXPORTS_BUCKET, format=form)
    delivery = ChunkDelivery(
        chunk.ORGANIZATION,
        str(uuid.uuid4()),
        "attempt",
        0,
        rows,
        to,
        BATCH_ROWS,
        0,
        file=_STAGED,
        file_size=size,
    )
    with measured(rows) as found, Path(path).open("rb") as file:
        assert sink.deliver(delivery, _rows(file, path), Watched())
    return found


def bare(path: str, url: str) -> dict[str, float]:
    """The client's own upload of lines that are there, in parts as large as the product's."""
    rows, client = pq.read_metadata(path).num_rows, _client(url)
    content = io.BytesIO()
    with Path(path).open("rb") as file:
        for batch in _rows(file, path).batches(BATCH_ROWS):
            content.writelines(line + b"\n" for line in batch.lines())
    content.seek(0)
    blob = client.bucket(names.EXPORTS_BUCKET).blob(str(uuid.uuid4()))
    blob.chunk_size = 8 << 20
    with measured(rows) as found:
        blob.upload_from_file(content, if_generation_match=0)
    return found


def _client(url: str) -> Client:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # untyped there
    return Client(project="bench", credentials=credentials, client_options={"api_endpoint": url})


def _rows(file: Any, path: str) -> ParquetRows:
    return ParquetRows(file, chunk.COLUMNS, chunk.KEY, path)
