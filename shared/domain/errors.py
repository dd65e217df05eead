"""Every error that this service raises on purpose.

Each class tells its caller what to do (``disposition``). Each error separates the text for the client
(``message``) from the text for the operator's log (``detail``). ``docs/errors.md`` is generated from the
classes. Their paragraphs ``Operator:`` apply to the classes below them, too::

    BackfillError
    ├── RetryLater                 may succeed later: answered 503, Pub/Sub redelivers
    │   ├── Unavailable            a dependency does not answer, or says it is busy
    │   │   ├── AskedToWait        a destination asks to wait for a stated time
    │   │   └── Untrusted          a receiver's certificate is not accepted: destinations/connections.py
    │   ├── Busy                   another handler is doing this work and may still crash
    │   ├── Deferred               nothing is sent to a destination for now
    │   ├── JobUnreadable          another release recorded the job
    │   └── WouldWait              an estimate found that a job would wait: destinations/kind.py
    ├── JobFails                   can never succeed: the job ends `failed` with the message
    │   ├── UnloadRefused          Snowflake refuses the unload
    │   │   └── WarehouseRefused   it refuses every unload: no warehouse, no credit, or too little time
    │   ├── UnsupportedColumn      a column's type has no mapping to JSON
    │   ├── StagedFileUnusable     a staged file is missing, corrupt or has other columns
    │   ├── TableNotOffered        the table is no longer in the catalog: catalog.py
    │   └── DestinationRefused     a destination can never accept these rows
    │       ├── BatchRefused       a topic refuses a batch: destinations/kafka/errors.py
    │       └── RowTooLarge        a row exceeds a destination's limit: oversized.py
    ├── Skipped                    there is nothing to do, now or later: recorded and acknowledged
    │   ├── MalformedMessage       the service did not publish this message
    │   ├── StaleMessage           of an unknown job, another attempt, or a job that has ended
    │   ├── LeftToOthers           another handler is doing this work, and the sweep watches it
    │   └── DeliveryStopped        the job was cancelled or failed while its rows were being sent
    ├── SliceRefused               an estimate asks for something that the table lacks: slices.py
    └── RequestRefused             the API cannot grant the client's request
        ├── JobUnknown             404
        ├── StateConflict          409
        ├── KeyReused              409
        ├── TooManyJobs            429
        ├── TooOften               429
        ├── CallerUnknown          403, when a stranger calls a function that only Google may call
        ├── WebRefusal             400 to 415, before any step runs: web/errors.py
        └── Invalid                422, with every fault of the request: web/errors.py
"""

from enum import StrEnum
from typing import ClassVar


class Disposition(StrEnum):
    """What happens to the message whose handling raised an error."""

    RETRY = "retry"
    TERMINAL = "terminal"
    SKIP = "skip"


class BackfillError(Exception):
    """Base of all errors: ``message`` is for the client, ``detail`` is for the operator's log only."""

    disposition: ClassVar[Disposition]

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class RetryLater(BackfillError):  # noqa: N818 - named for what to do, as the whole tree is
    """A later attempt may succeed although nothing but time has passed.

    Operator: nothing, if it passes. If it lasts, the log entry's `detail` says what failed.
    """

    disposition = Disposition.RETRY


class Unavailable(RetryLater):
    """A dependency does not answer, refuses the connection or is over its limits.

    Operator: check the dependency that the message names; the `detail` has its own words. A client repairs
    its own destinations.
    """

    def __init__(self, dependency: str, *, detail: str = "") -> None:
        super().__init__(f"{dependency} is not available at the moment", detail=detail)
        self.dependency = dependency


class AskedToWait(Unavailable):
    """A destination asks the service to wait for ``seconds``."""

    def __init__(self, dependency: str, *, seconds: float, detail: str = "") -> None:
        super().__init__(dependency, detail=detail)
        self.seconds = seconds


class Busy(RetryLater):
    """Another handler is doing this work. It may crash, so Pub/Sub must redeliver the message.

    Operator: nothing.
    """


class Deferred(RetryLater):
    """Nothing is sent to a destination for now, because it failed repeatedly or asked to wait.

    Operator: nothing. The destination's `last_error` says why.
    """


class JobUnreadable(RetryLater):
    """The job's record has something that only another release of the service knows.

    Operator: the log entry's `detail` names it. After a rollback, deploy the newer release again, and the job
    goes on.
    """

    def __init__(self, *, detail: str) -> None:
        message = "Another release of the service recorded this job, and the current one cannot read it"
        super().__init__(message, detail=detail)


class JobFails(BackfillError):  # noqa: N818 - named for its consequence
    """No later attempt can succeed: the job ends ``failed`` and the client reads ``message``.

    Operator: nothing, if only one client's jobs fail. Otherwise see the
    [runbook](runbooks/jobs-failing.md).
    """

    disposition = Disposition.TERMINAL


class UnloadRefused(JobFails):
    """Snowflake refuses the unload: a table or column is missing, or a privilege is not granted.

    Operator: if several tables are concerned, check the role's grants with the
    [doctor](operations.md#doctor).
    """


class WarehouseRefused(UnloadRefused):
    """Snowflake's warehouse refuses the statement, whatever its table: it is missing, has no credit left, or
    needed more than the time limit.

    Operator: check the warehouse and its resource monitor with the [doctor](operations.md#doctor).
    """


class UnsupportedColumn(JobFails):
    """A column's type has no mapping to JSON.

    Operator: nothing. The client chooses other columns.
    """


class StagedFileUnusable(JobFails):
    """A staged file is missing or corrupt, or lacks the columns that the job recorded.

    Operator: check the bucket's lifecycle rule and who else may write to it. A new job unloads anew.
    """


class DestinationRefused(JobFails):
    """A destination can never accept these rows.

    Operator: nothing. The message tells the client what to change at the destination. For the service's own
    Kafka, check its permissions with the [doctor](operations.md#doctor).
    """


class Skipped(BackfillError):  # noqa: N818 - named for what is done with it
    """There is nothing to do, now or later. The message is recorded and acknowledged.

    Operator: nothing.
    """

    disposition = Disposition.SKIP


class MalformedMessage(Skipped):
    """The service does not publish such a message.

    Operator: find out who else may publish to the topic. After a rollback, messages of the newer release are
    such messages.
    """


class StaleMessage(Skipped):
    """The message belongs to an unknown job, to another attempt, or to a job that has ended."""


class LeftToOthers(Skipped):
    """Another handler is doing this work. If it crashes, the sweep starts the work again.

    Waiting by redelivery would use up the message's delivery attempts, which are meant for faults.
    """


class DeliveryStopped(Skipped):
    """The job was cancelled or failed while its rows were being sent."""


class RequestRefused(BackfillError):  # noqa: N818 - named for what is done with it
    """The API cannot grant the client's request; ``status`` is the HTTP status.

    Operator: nothing. The client changes the request.
    """

    disposition = Disposition.TERMINAL
    status: ClassVar[int]


class JobUnknown(RequestRefused):
    """The caller's organization has no such job."""

    status = 404

    def __init__(self, job_id: str) -> None:
        super().__init__(f"No backfill job {job_id!r} in your organization")


class StateConflict(RequestRefused):
    """The job's state forbids the request; the message names the state."""

    status = 409


class KeyReused(RequestRefused):
    """The request's Idempotency-Key already belongs to a different request."""

    status = 409


class TooManyJobs(RequestRefused):
    """The organization has reached its limit of jobs that have not ended.

    Operator: raise the limit of the organization with `shared.operator limit`, if it should have more jobs.
    """

    status = 429


class TooOften(RequestRefused):
    """The organization has reached its rate limit; ``seconds`` tells when it may ask again.

    Operator: nothing. `ESTIMATES_PER_MINUTE` is the limit of every organization.
    """

    status = 429

    def __init__(self, what: str, most: int, seconds: int) -> None:
        super().__init__(f"Your organization may ask for {most} {what} a minute: try again in {seconds} s")
        self.seconds = seconds


class CallerUnknown(RequestRefused):
    """The expected identity did not sign the call.

    Operator: check `PUSH_AUDIENCE`, `PUSH_SERVICE_ACCOUNT` and `API_SERVICE_ACCOUNT` with the
    [doctor](operations.md#doctor). Without a fault there, a stranger called.
    """

    status = 403

    def __init__(self, detail: str) -> None:
        super().__init__("the caller could not be verified", detail=detail)
