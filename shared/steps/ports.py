"""The protocols of what the steps need besides records. The adapters implement them.

Every method may raise ``Unavailable`` if the system behind it does not answer.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, NamedTuple, Protocol

from shared.domain.chunks import StagedFile
from shared.domain.destination import Destination
from shared.domain.jobs import Job
from shared.domain.messages import Message
from shared.domain.slices import Facts, Slice
from shared.unload.statements import Statement, TableColumn

Clock = Callable[[], datetime]


class Estimates(Protocol):
    """Estimates of slices."""

    def facts(self, wanted: Slice) -> Facts:
        """Return a slice's facts. Raises SliceRefused with what the table lacks; Unavailable on a timeout."""
        ...


class Rates(Protocol):
    """The rate limits of organizations."""

    def take(self, organization_id: str) -> None:
        """Count one request. Raises TooOften if it exceeds the organization's limit."""
        ...


class Topics(Protocol):
    """The service's own Kafka topics: created for a job, removed only if no other job ever named them."""

    def ensure(self, job: Job, destination: Destination) -> None:
        """Create the topic if it does not exist. Raises Busy while the topic is being removed."""
        ...

    def remove(self, job: Job, destination: Destination) -> None:
        """Remove the topic if this job created it and no other job ever named it."""
        ...


class Publisher(Protocol):
    """Pub/Sub."""

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        """Publish messages of the job. Return only after Pub/Sub has confirmed every message."""
        ...


class UnloadState(StrEnum):
    """The state of a query in Snowflake."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Unloads(Protocol):
    """Snowflake. Permanent refusals raise UnloadRefused, with a message for the client."""

    def describe(self, table: str) -> list[TableColumn]:
        """Return the table's columns in their order."""
        ...

    def submit(self, statement: Statement, tag: str) -> str:
        """Start the statement with the query tag. Return its query id without waiting for its end."""
        ...

    def find(self, tag: str) -> str | None:
        """Return the id of the query that carries the tag, or None if no such query ever started."""
        ...

    def state(self, query_id: str) -> UnloadState: ...

    def files(self, query_id: str) -> list[StagedFile]:
        """Return the manifest of a successful query."""
        ...

    def failure(self, query_id: str) -> Exception:
        """Return why a query failed: UnloadRefused, or Unavailable if another attempt may succeed."""
        ...

    def abort(self, query_id: str) -> None:
        """Request the end of the query. Does nothing if the query has ended or is unknown."""
        ...


class OpenedFile(NamedTuple):
    """A file's bytes as a seekable stream, and the bucket's checksum of them in Base64."""

    content: BinaryIO
    crc32c: str


class StagedFiles(Protocol):
    """The staging bucket."""

    def open(self, path: str, size: int) -> AbstractContextManager[OpenedFile]:
        """Open a file. Raises StagedFileUnusable if it is missing or its size differs.

        Reading raises StagedFileUnusable and Unavailable, too. Other errors in the context pass through.
        """
        ...

    def delete(self, prefix: str) -> None:
        """Delete every file under the prefix."""
        ...
