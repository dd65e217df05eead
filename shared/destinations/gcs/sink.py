"""The GCS sink: a chunk as one object, written once.

An object is there with its last byte or not at all, and only where there was none: so a delivery that comes
again, whenever an earlier one died, finds it or writes it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow.parquet as pq
from google.cloud.storage import Blob, Client

from shared.destinations.gcs.errors import AlreadyThere, speaking_of
from shared.destinations.gcs.stream import Stream, lines, selected
from shared.destinations.labels import CHUNK, JOB
from shared.domain.errors import DestinationRefused
from shared.steps.sending import ChunkDelivery, Pulse, Rows

NDJSON: Final = "ndjson"
_ATTEMPT, _ROWS = "beam-attempt-id", "beam-rows"
_CONTENT_TYPES: Final[Mapping[str, str]] = {
    NDJSON: "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_TIMEOUT = 30.0  # seconds for one request
_PART = 8 << 20  # bytes of an upload that are sent at once, a multiple of 256 KiB


@dataclass(frozen=True, slots=True)
class GcsSink:
    """Fulfils Sink. ``least``: with less of the handler's seconds left, a message of its own is better.

    ``batch_rows``: rows that are encoded at once.
    """

    client: Client
    staging_bucket: str
    least: float
    batch_rows: int = 1_024

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Have the chunk's object in the bucket; False when an earlier destination left too little time."""
        pulse.check()
        if pulse.seconds_left() < self.least:
            return False
        bucket = delivery.destination.options["bucket"]
        if bucket == self.staging_bucket:
            raise DestinationRefused(f"Bucket {bucket} is the service's own: choose another one")
        blob = self._object(delivery)
        try:
            with speaking_of(bucket):
                if not self._is_there(blob, delivery):
                    self._write(blob, delivery, rows, pulse)
        except AlreadyThere:
            # Written meanwhile, perhaps by our own try whose answer was lost.
            with speaking_of(bucket):
                self._is_there(blob, delivery)
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
        """Whether the chunk's object is there; DestinationRefused if something else has its name."""
        found = blob.bucket.get_blob(blob.name, timeout=_TIMEOUT)
        if found is None:
            return False
        if not _labels(delivery).items() <= (found.metadata or {}).items():
            raise DestinationRefused(
                f"Bucket {blob.bucket.name} has an object {blob.name} that is none of this job's: remove it"
                " and retry the job"
            )
        return True

    def _write(self, blob: Blob, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> None:
        if blob.content_type == _CONTENT_TYPES[NDJSON]:
            self._upload(blob, lines(rows, self.batch_rows, pulse))
        elif delivery.file_is_rows:
            self._copy(blob, delivery, pulse)
        else:
            self._select(blob, delivery, pulse)

    def _upload(self, blob: Blob, parts: Iterator[bytes]) -> None:
        blob.upload_from_file(
            Stream(parts), content_type=blob.content_type, if_generation_match=0, timeout=_TIMEOUT
        )

    def _copy(self, blob: Blob, delivery: ChunkDelivery, pulse: Pulse) -> None:
        """Within the service, a part a call where it takes longer."""
        source, token = self._staged(delivery), None
        while True:
            pulse.check()
            token, _, _ = blob.rewrite(source, token=token, if_generation_match=0, timeout=_TIMEOUT)
            if token is None:
                return

    def _select(self, blob: Blob, delivery: ChunkDelivery, pulse: Pulse) -> None:
        """The staged file without the columns that are no fields."""
        with self._staged(delivery).open("rb", chunk_size=_PART, timeout=_TIMEOUT) as staged:
            file = pq.ParquetFile(staged, page_checksum_verification=True)
            self._upload(blob, selected(file, list(delivery.fields), pulse))

    def _staged(self, delivery: ChunkDelivery) -> Blob:
        return self.client.bucket(self.staging_bucket).blob(delivery.file)


def _labels(delivery: ChunkDelivery) -> dict[str, str]:
    return {
        JOB: delivery.job_id,
        CHUNK: str(delivery.chunk),
        _ATTEMPT: delivery.attempt_id,
        _ROWS: str(delivery.rows),
    }
