"""The GCS sink: one object per chunk, written once.

GCS creates an object completely or not at all, and this sink writes only if no object exists. A repeated
delivery therefore finds the object or writes it, wherever an earlier delivery crashed.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core.exceptions import Forbidden, NotFound, PreconditionFailed
from google.cloud.storage import Blob, Client

from shared.destinations.gcs.errors import speaking_of
from shared.destinations.gcs.stream import Stream, lines, parts_of, selected
from shared.destinations.labels import CHUNK, JOB
from shared.domain.errors import DestinationRefused, StagedFileUnusable, Unavailable
from shared.steps.ahead import OneAhead
from shared.steps.ports import StagedFiles
from shared.steps.sending import ChunkDelivery, Pulse, Rows

NDJSON: Final = "ndjson"
_ATTEMPT, _ROWS = "beam-attempt-id", "beam-rows"
_CONTENT_TYPES: Final[Mapping[str, str]] = {
    NDJSON: "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_TIMEOUT = 30.0  # seconds for one request
_PART = 8 << 20  # bytes per request of an upload, a multiple of 256 KiB


@dataclass(frozen=True, slots=True)
class GcsSink:
    """Implements Sink. ``least``: with less of the handler's seconds left, use a separate message.

    ``batch_rows``: rows encoded at once, fewer if they are large.
    """

    client: Client
    staging_bucket: str
    staged: StagedFiles
    least: float
    batch_rows: int = 1_024

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Write the chunk's object if necessary. Return False if an earlier destination left too little
        time.
        """
        pulse.check()
        if pulse.seconds_left() < self.least:
            return False
        bucket = delivery.destination.options["bucket"]
        if bucket == self.staging_bucket:
            raise DestinationRefused(f"Bucket {bucket} is the service's own: choose another one")
        blob = self._object(delivery)
        with speaking_of(bucket):
            if not self._is_there(blob, delivery):
                self._write_once(blob, delivery, rows, pulse)
        return True

    def _object(self, delivery: ChunkDelivery) -> Blob:
        options = delivery.destination.options
        kind = options.get("format") or "parquet"
        name = f"{options.get('prefix') or ''}{delivery.job_id}/{delivery.chunk:08d}.{kind}"
        blob = self.client.bucket(options["bucket"]).blob(name, chunk_size=_PART)
        blob.content_type = _CONTENT_TYPES[kind]
        blob.metadata = _labels(delivery)
        return blob

    def _is_there(self, blob: Blob, delivery: ChunkDelivery) -> bool:
        """Return whether the chunk's object exists; DestinationRefused if another object has its name."""
        found = blob.bucket.get_blob(blob.name, timeout=_TIMEOUT)
        if found is None:
            return False
        if not _labels(delivery).items() <= (found.metadata or {}).items():
            raise DestinationRefused(
                f"Bucket {blob.bucket.name} has an object {blob.name} that does not belong to this job:"
                " remove it and retry the job"
            )
        return True

    def _write_once(self, blob: Blob, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        try:
            self._write(blob, delivery, rows, pulse)
        except PreconditionFailed:
            # Written in the meantime, perhaps by our own attempt whose answer was lost. The object must prove
            # it: an organization policy has the same answer, and the owner may have removed the object.
            if not self._is_there(blob, delivery):
                raise

    def _write(self, blob: Blob, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        if blob.content_type == _CONTENT_TYPES[NDJSON]:
            self._upload(blob, lines(rows, self.batch_rows, pulse), pulse)
        elif delivery.file_is_rows:
            self._copy(blob, delivery, pulse)
        else:
            self._select(blob, delivery, pulse)

    def _upload(self, blob: Blob, pieces: Iterator[bytes], pulse: Pulse) -> None:
        """Upload the pieces in parts. While one part is uploaded, a thread makes the next."""
        with closing(OneAhead(parts_of(pieces, _PART))) as parts:
            stream = Stream(parts, pulse.check)
            try:
                blob.upload_from_file(
                    stream,
                    content_type=blob.content_type,
                    if_generation_match=0,
                    timeout=_TIMEOUT,
                )
            except ValueError as error:
                if stream.failed:
                    raise
                # GCS may keep fewer bytes of a part than it was sent. The client cannot send them again.
                raise Unavailable(f"bucket {blob.bucket.name}", detail=str(error)) from None

    def _copy(self, blob: Blob, delivery: ChunkDelivery, pulse: Pulse) -> None:
        """Copy the staged file within GCS, in several calls if one is not enough."""
        source, token = self._staged(delivery), None
        while True:
            pulse.check()
            try:
                token, _, _ = blob.rewrite(source, token=token, if_generation_match=0, timeout=_TIMEOUT)
            except (Forbidden, NotFound):
                # Either bucket may be meant. Opening the staged file fails if it is that one.
                with self.staged.open(delivery.file, delivery.file_bytes):
                    pass
                raise
            if token is None:
                return

    def _select(self, blob: Blob, delivery: ChunkDelivery, pulse: Pulse) -> None:
        """Write the staged file without the columns that are not fields."""
        self._upload(blob, self._fields_of(delivery, pulse), pulse)

    def _fields_of(self, delivery: ChunkDelivery, pulse: Pulse) -> Iterator[bytes]:
        with self.staged.open(delivery.file, delivery.file_bytes) as staged, _telling_damage(delivery):
            file = pq.ParquetFile(staged.content, page_checksum_verification=True)
            yield from selected(file, [column.name for column in delivery.columns], pulse)

    def _staged(self, delivery: ChunkDelivery) -> Blob:
        return self.client.bucket(self.staging_bucket).blob(delivery.file)


@contextmanager
def _telling_damage(delivery: ChunkDelivery) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        # Arrow's own errors of input are bare OSErrors; those of a socket are a subclass or carry a number.
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and not _is_arrows(error)):
            raise
        raise StagedFileUnusable("A staged file is damaged", detail=f"{delivery.file}: {error}") from error


def _is_arrows(error: OSError) -> bool:
    return type(error) is OSError and error.errno is None


def _labels(delivery: ChunkDelivery) -> dict[str, str]:
    return {
        JOB: delivery.job_id,
        CHUNK: str(delivery.chunk),
        _ATTEMPT: delivery.attempt_id,
        _ROWS: str(delivery.rows),
    }
