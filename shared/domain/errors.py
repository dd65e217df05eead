"""Every error this service raises on purpose.

Each class knows what a caller does with it (``disposition``), and each error keeps apart what the
client may read (``message``) from what only the operator's log gets (``detail``)::

    BackfillError
    ├── RetryLater                 may succeed later: answered 503, Pub/Sub delivers again
    │   ├── Unavailable            a dependency does not answer, or says it is busy
    │   │   ├── AskedToWait        a destination says for how long it is
    │   │   └── Untrusted          a receiver's certificate is not accepted: destinations/connections.py
    │   └── Busy                   somebody else is at this very work and may yet die
    ├── JobFails                   can never succeed: the job ends `failed` with the message
    │   ├── UnloadRefused          Snowflake refuses the unload
    │   ├── UnsupportedColumn      a column's type has no mapping to JSON
    │   ├── StagedFileUnusable     a staged file is gone, corrupt or of another shape
    │   ├── TableNotOffered        the table is not in the catalog any more: catalog.py
    │   └── DestinationRefused     a destination can never accept these rows
    │       ├── BatchRefused       a batch that a topic does not take: destinations/kafka/errors.py
    │       └── RowTooLarge        a row larger than a destination takes: oversized.py
    ├── Skipped                    nothing to do, now or ever: recorded and acknowledged
    │   ├── MalformedMessage       not a message of ours
    │   ├── StaleMessage           of an unknown job, another attempt, or a job that has ended
    │   ├── LeftToOthers           somebody else is at this very work, and the sweep watches them
    │   └── DeliveryStopped        the job was cancelled or failed while its rows were being sent
    ├── SliceRefused               an estimate asks for what a table lacks: slices.py
    └── RequestRefused             what the API's client asked for can't be had
        ├── JobUnknown             404
        ├── StateConflict          409
        ├── KeyReused              409
        ├── TooManyJobs            429
        ├── TooOften               429
        ├── CallerUnknown          403, to whoever calls a function that only Google may call
        ├── WebRefusal             400 to 415, before any step is asked: web/errors.py
        └── Invalid                422, with every fault of the request: web/errors.py
"""

from enum import StrEnum
from typing import ClassVar


class Disposition(StrEnum):
    """What is done with the message whose handling raised an error."""

    RETRY = "retry"
    TERMINAL = "terminal"
    SKIP = "skip"


class BackfillError(Exception):
    """Base of all: ``message`` is for the client, ``detail`` for the operator's log alone."""

    disposition: ClassVar[Disposition]

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class RetryLater(BackfillError):  # noqa: N818 - named for what to do, as the whole tree is
    """May succeed later, with nothing changed but time."""

    disposition = Disposition.RETRY


class Unavailable(RetryLater):
    """A dependency does not answer, refuses the connection or is over its limits."""

    def __init__(self, dependency: str, *, detail: str = "") -> None:
        super().__init__(f"{dependency} is not available at the moment", detail=detail)
        self.dependency = dependency


class AskedToWait(Unavailable):
    """A destination asks to be left alone for so many ``seconds``."""

    def __init__(self, dependency: str, *, seconds: float, detail: str = "") -> None:
        super().__init__(dependency, detail=detail)
        self.seconds = seconds


class Busy(RetryLater):
    """Somebody else holds this very work; the message must come again, since they may die."""


class JobFails(BackfillError):  # noqa: N818 - named for its consequence
    """Can never succeed: the job ends ``failed`` and the client reads ``message``."""

    disposition = Disposition.TERMINAL


class UnloadRefused(JobFails):
    """Snowflake refuses the unload: a missing table or column, a right not granted."""


class UnsupportedColumn(JobFails):
    """A column whose type has no mapping to JSON."""


class StagedFileUnusable(JobFails):
    """A staged file is gone, corrupt, or does not have the columns the job recorded."""


class DestinationRefused(JobFails):
    """A destination can never accept these rows."""


class Skipped(BackfillError):  # noqa: N818 - named for what is done with it
    """Nothing to do, now or ever: recorded and acknowledged."""

    disposition = Disposition.SKIP


class MalformedMessage(Skipped):
    """Not a message this service publishes."""


class StaleMessage(Skipped):
    """Belongs to an unknown job, to another attempt, or to a job that has ended."""


class LeftToOthers(Skipped):
    """Somebody else is at this very work; should they die, the sweep has it done again.

    Waiting for them by redelivery would use up the message's attempts, which are for faults.
    """


class DeliveryStopped(Skipped):
    """The job was cancelled or failed while its rows were being sent."""


class RequestRefused(BackfillError):  # noqa: N818 - named for what is done with it
    """What the API's client asked for can't be had; ``status`` is the HTTP status."""

    disposition = Disposition.TERMINAL
    status: ClassVar[int]


class JobUnknown(RequestRefused):
    """No such job in the caller's organization."""

    status = 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f"No backfill job {job_id!r} in your organization")


class StateConflict(RequestRefused):
    """The job's state forbids it; the message names the state."""

    status = 409


class KeyReused(RequestRefused):
    """The request's Idempotency-Key stands for another request."""

    status = 409


class TooManyJobs(RequestRefused):
    """The organization has as many jobs that have not ended as it may."""

    status = 429


class TooOften(RequestRefused):
    """The organization asked more often than it may; ``seconds`` until it may again."""

    status = 429

    def __init__(self, what: str, most: int, seconds: int) -> None:
        super().__init__(f"Your organization may ask for {most} {what} a minute: try again in {seconds} s")
        self.seconds = seconds


class CallerUnknown(RequestRefused):
    """A call that is not signed by whom it should be."""

    status = 403

    def __init__(self, detail: str) -> None:
        super().__init__("a call of somebody unknown was refused", detail=detail)
