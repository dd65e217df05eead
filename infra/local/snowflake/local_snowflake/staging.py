"""The bucket that the unload writes to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import storage
from google.cloud.storage.retry import DEFAULT_RETRY
from requests import RequestException

from local_snowflake.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 30
_RETRY = DEFAULT_RETRY.with_timeout(5)  # the client's default of two minutes would stall a test


class Staging:
    """Google Cloud Storage at STORAGE_EMULATOR_HOST."""

    def __init__(self) -> None:
        self._client = storage.Client.create_anonymous_client()

    def holds(self, bucket: str, prefix: str) -> bool:
        """Return whether any object's name starts with the prefix."""
        with _as_failure():
            found = self._client.list_blobs(
                bucket, prefix=prefix, max_results=1, timeout=_SECONDS, retry=_RETRY
            )
            return any(True for _ in found)

    def write(self, bucket: str, name: str, content: bytes) -> None:
        with _as_failure():
            blob = self._client.bucket(bucket).blob(name)
            blob.upload_from_string(
                content, content_type="application/octet-stream", timeout=_SECONDS, retry=_RETRY
            )


@contextmanager
def _as_failure() -> Iterator[None]:
    try:
        yield
    except (GoogleAPICallError, RetryError, RequestException) as error:
        cause = error.message if isinstance(error, GoogleAPICallError) else type(error).__name__
        raise Failure(91003, "55000", f"Failure using stage area. Cause: [{cause}]") from error
