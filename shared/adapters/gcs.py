"""The staging bucket in Google Cloud Storage."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.api_core.retry import Retry, if_exception_type
from google.cloud.storage import Client
from google.cloud.storage.fileio import BlobReader

from shared.adapters.google_errors import PASSING, reaching
from shared.domain.errors import StagedFileUnusable, Unavailable
from shared.steps.ports import OpenedFile

_TIMEOUT = 20.0
# Bytes per request. The reader's default of 40 MiB would use most of a function's memory.
_FETCH = 4 << 20
# A connection that breaks in the middle of a part is no error that the client itself retries.
_RETRY = Retry(predicate=if_exception_type(*PASSING), timeout=30.0)


class GcsStagedFiles:
    """Implements the port StagedFiles."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = client.bucket(bucket)

    @contextmanager
    def open(self, path: str, size: int) -> Iterator[OpenedFile]:
        with _reading(path):
            blob = self._bucket.get_blob(path, timeout=_TIMEOUT)
        if blob is None:
            raise StagedFileUnusable("A staged file is gone", detail=path)
        if blob.size != size:
            raise StagedFileUnusable(
                f"A staged file has {blob.size} bytes where Snowflake wrote {size}", detail=path
            )
        # Otherwise the client takes each part in pieces of 8 KiB, with three times the CPU time.
        whole = {"single_shot_download": True, "retry": _RETRY}
        with _Reader(blob, chunk_size=_FETCH, timeout=_TIMEOUT, **whole) as file:
            yield OpenedFile(cast("BinaryIO", file), blob.crc32c)

    def delete(self, prefix: str) -> None:
        with reaching("the staging bucket"):
            for blob in self._client.list_blobs(self._bucket, prefix=prefix, timeout=_TIMEOUT):
                try:
                    blob.delete(timeout=_TIMEOUT)
                except NotFound:
                    # Another process deleted it, or our own first attempt did and its answer was lost.
                    continue


class _Reader(BlobReader):  # type: ignore[misc]  # untyped there
    """Raises our errors where it is read: a bucket that reads it would take Google's for its own."""

    def read(self, size: int = -1) -> bytes:
        with _reading(self._blob.name):
            content: bytes = super().read(size)
        return content


@contextmanager
def _reading(path: str) -> Iterator[None]:
    with reaching("the staging bucket"):
        try:
            yield
        except NotFound as error:
            raise StagedFileUnusable("A staged file is gone", detail=path) from error
        except GoogleAPICallError as error:
            raise Unavailable("the staging bucket", detail=str(error)) from error
