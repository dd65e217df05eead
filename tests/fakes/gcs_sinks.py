"""A GCS sink on the GCS server, a staging bucket with a chunk's file, and the exported objects."""

import io
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Bucket, Client

from shared.adapters.gcs import GcsStagedFiles
from shared.destinations import destination
from shared.destinations.gcs.sink import GcsSink
from shared.steps.sending import ChunkDelivery
from tests.fakes.sending import delivery_to


def gcs_client() -> Client:
    """Return a client of the server in STORAGE_EMULATOR_HOST."""
    return Client(project="test", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]  # untyped there


@dataclass
class Buckets:
    """A staging bucket and a bucket for the export."""

    client: Client
    staging: Bucket = field(init=False)
    exports: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.staging, self.exports = (
            self.client.create_bucket(f"{name}-{uuid.uuid4().hex[:12]}") for name in ("staging", "exports")
        )

    def sink(self, least: float = 0.0) -> GcsSink:
        files = GcsStagedFiles(self.client, self.staging.name)
        return GcsSink(self.client, self.staging.name, files, least=least, batch_rows=10)

    def delivery(self, rows: int, **options: Any) -> ChunkDelivery:
        target = destination(type="gcs", name="lake", uid="lake-uid", bucket=self.exports.name, **options)
        return delivery_to(target, rows)

    def stage(self, path: str, columns: Mapping[str, Sequence[Any]], rows_per_group: int = 10) -> int:
        """Return the file's size in bytes."""
        file = io.BytesIO()
        pq.write_table(pa.table(columns), file, row_group_size=rows_per_group, write_page_checksum=True)
        self.staging.blob(path).upload_from_string(file.getvalue())
        return len(file.getvalue())

    def names(self) -> list[str]:
        return [blob.name for blob in self.client.list_blobs(self.exports)]

    def rows(self) -> list[int]:
        """Return the row numbers in all NDJSON objects."""
        contents = (blob.download_as_bytes() for blob in self.client.list_blobs(self.exports))
        return [json.loads(line)["row"] for content in contents for line in content.splitlines()]

    def table(self) -> pa.Table:
        """Return the only object as a table."""
        (blob,) = self.client.list_blobs(self.exports)
        return pq.read_table(io.BytesIO(blob.download_as_bytes()))
