"""Sinks into a test's GCS server, with staged files of numbered rows to copy."""

import io
import json
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Client

from infra.local import names
from shared.destinations.gcs.objects import object_name
from shared.destinations.gcs.sink import GcsSink
from shared.steps.sending import ChunkDelivery
from tests.fakes.destinations import gcs
from tests.fakes.sending import delivery_to


@dataclass(frozen=True)
class Bucket:
    """A client, and the bucket that jobs export to; ``sink`` delivers there."""

    client: Client
    sink: GcsSink

    def delivery(
        self, rows: int, form: str | None = None, *, bucket: str = names.EXPORTS_BUCKET
    ) -> ChunkDelivery:
        """A delivery of a new job's chunk, staged as a Parquet file of so many rows."""
        destination = gcs("exports", str(uuid.uuid4()), bucket, "some/where/", form)
        delivery = delivery_to(destination, rows)
        content = io.BytesIO()
        pq.write_table(pa.table({"row": pa.array(range(rows), pa.int64())}), content)
        path = f"{delivery.job_id}/attempt1/data.parquet"
        self.client.bucket(names.BUCKET).blob(path).upload_from_string(content.getvalue())
        return replace(delivery, file=path, file_size=len(content.getvalue()))

    def found(self, delivery: ChunkDelivery) -> Blob | None:
        """The object of the chunk, if there is one."""
        found: Blob | None = self.client.bucket(names.EXPORTS_BUCKET).get_blob(object_name(delivery))
        return found

    def rows(self, delivery: ChunkDelivery) -> list[int]:
        found = self.found(delivery)
        if found is None:
            return []
        content: bytes = found.download_as_bytes()
        if str(found.name).endswith(".parquet"):
            numbers: list[int] = pq.read_table(io.BytesIO(content)).column("row").to_pylist()
            return numbers
        return [json.loads(line)["row"] for line in content.splitlines()]


@contextmanager
def exports(url: str, *, server: str | None = None) -> Iterator[Bucket]:
    """``server``: where the sink's own requests go instead, such as to one that refuses them."""
    with closing(_client(url)) as client, closing(_client(server or url)) as own:
        yield Bucket(client, GcsSink(own, staging_bucket=names.BUCKET, least=0.0))


def _client(url: str) -> Client:
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]  # untyped there
    return Client(project="test", credentials=credentials, client_options={"api_endpoint": url})
