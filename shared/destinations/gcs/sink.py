"""The sink of buckets: one object a chunk, which is there whole or not at all.

Objects are written only where there is none. So a second try, whatever became of the first one, finds the
chunk and counts it, or writes it; two at once can't both.
"""

from collections.abc import Callable
from threading import Event
from typing import Any, Final, cast

from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed
from google.cloud.storage import Blob, Client
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.destinations.gcs.lines import Lines
from shared.destinations.gcs.objects import (
    CONTENT_TYPES,
    NDJSON,
    format_of,
    is_ours,
    object_name,
    stamp,
)
from shared.destinations.google_refusals import Refusals, is_passing, shown, speaking_to
from shared.destinations.patience import while_wanted
from shared.errors import Busy, DestinationRefused, StagedFileUnusable, Unavailable
from shared.steps.sending import ChunkDelivery, Pulse, Rows

_TIMEOUT: Final = 20.0  # seconds for each request
# What takes longer is left to the message's next delivery.
_RETRY: Final = DEFAULT_RETRY.with_delay(initial=0.2, maximum=1.0).with_timeout(4.0)
_PART: Final = 8 << 20  # bytes of one request of an upload; a multiple of 256 KiB
Check = Callable[[], None]
"""Raises when the delivery is not to go on."""
_NOTHING_THERE: Final = 0  # the generation that says so


class GcsSink:
    """Fulfils Sink. ``least``: seconds of the handler's time with less of which nothing is begun."""

    def __init__(self, client: Client, *, staging_bucket: str, least: float) -> None:
        self._client = client
        self._staging_bucket = staging_bucket
        self._least = least

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Write the chunk's object, or find it there.

        False when an earlier destination left too little of the handler's time.
        """
        bucket = delivery.destination.options["bucket"]
        if bucket == self._staging_bucket:
            raise DestinationRefused(f"The bucket {bucket} is the service's own. Name a bucket of yours")
        if pulse.seconds_left() < self._least:
            return False
        pulse.check()
        given_up = Event()

        def check() -> None:
            if given_up.is_set():
                raise Busy("nobody waits for this upload any more")
            pulse.check()

        def have() -> None:
            if not self._is_there(delivery):
                self._write(delivery, rows, check)

        try:
            with speaking_to(f"the bucket {bucket}", _refusals(bucket)):
                # A request that is not answered keeps no cancel waiting.
                while_wanted(have, pulse.check)
        finally:
            given_up.set()
        return True

    def _write(self, delivery: ChunkDelivery, rows: Rows, check: Check) -> None:
        check()
        blob = self._blob(delivery)
        blob.metadata = stamp(delivery)
        blob.content_type = CONTENT_TYPES[format_of(delivery)]
        try:
            if format_of(delivery) == NDJSON:
                self._upload(blob, delivery, rows, check)
            else:
                self._copy(blob, delivery, check)
        except (PreconditionFailed, Forbidden) as error:
            # Somebody was faster: an earlier try whose answer was lost, perhaps. A right to create is no
            # right to replace, so what is there may also be told as a right that lacks.
            if is_passing(error) or not self._is_there(delivery):
                if isinstance(error, PreconditionFailed):
                    raise Unavailable(f"the bucket {blob.bucket.name}", detail=shown(error)) from None
                raise
        except NotFound:
            self._require_bucket(blob)
            raise StagedFileUnusable("A staged file is gone", detail=delivery.file) from None

    def _upload(self, blob: Blob, delivery: ChunkDelivery, rows: Rows, check: Check) -> None:
        """Encode and send part by part; what is not finished never becomes an object."""
        blob.chunk_size = _PART
        blob.upload_from_file(
            Lines(rows.batches(delivery.batch_rows), check),
            content_type=blob.content_type,
            if_generation_match=_NOTHING_THERE,
            timeout=_TIMEOUT,
            retry=_RETRY,
        )

    def _copy(self, blob: Blob, delivery: ChunkDelivery, check: Check) -> None:
        """Have Cloud Storage copy the staged file, whose bytes never come here.

        From one place or class of storage to another that takes several calls.
        """
        source = self._client.bucket(self._staging_bucket).blob(delivery.file)
        token: str | None = None
        while True:
            token, _, _ = blob.rewrite(
                source,
                token=token,
                if_generation_match=_NOTHING_THERE,
                timeout=_TIMEOUT,
                retry=_RETRY,
            )
            if token is None:
                return
            check()

    def _is_there(self, delivery: ChunkDelivery) -> bool:
        """Whether the chunk's object is; DestinationRefused if another one has its name."""
        blob = self._blob(delivery)
        found = blob.bucket.get_blob(blob.name, timeout=_TIMEOUT, retry=_RETRY)
        if found is None:
            return False
        if is_ours(delivery, found.metadata, found.size):
            return True
        raise DestinationRefused(
            f"The bucket {blob.bucket.name} has another object named {blob.name}, which is not replaced."
            " Remove it and retry the job, or create the job anew with another prefix"
        )

    def _require_bucket(self, blob: Blob) -> None:
        """NotFound if there is none; asked by the right to list, which a reader of objects has."""
        found: Any = self._client.list_blobs(
            blob.bucket, prefix=blob.name, max_results=1, timeout=_TIMEOUT, retry=_RETRY
        )
        next(iter(found), None)

    def _blob(self, delivery: ChunkDelivery) -> Blob:
        bucket = self._client.bucket(delivery.destination.options["bucket"])
        return cast("Blob", bucket.blob(object_name(delivery)))


def _refusals(bucket: str) -> Refusals:
    return {
        NotFound: f"There is no bucket {bucket}. Create it and retry the job, or name another one",
        Forbidden: (
            f"The bucket {bucket} does not let this service write to it. Grant the service's delivery account"
            " roles/storage.objectCreator and roles/storage.objectViewer on it, look at its retention and"
            " billing, and retry the job"
        ),
        Conflict: f"The bucket {bucket} holds its objects back. Look at its holds and retry the job",
        BadRequest: f"The bucket {bucket} refuses the object. Look at its encryption and its policies",
    }
