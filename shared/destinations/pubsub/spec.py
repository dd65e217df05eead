"""The fields of a topic of Google Cloud Pub/Sub."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import DestinationName, Spec, refusal

# By the project's id, never its number: the service knows its own topics by that.
_TOPIC = (
    r"^projects/(?:[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,3}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"
    r"/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$"
)
_COLUMN = r"^[a-z_][a-z0-9_$]{0,254}$"


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "A Pub/Sub topic has at_least_once only: a reader drops repeats by the messages' attributes"
        raise refusal("delivery", reason)
    return value


class PubsubDestination(Spec):
    """A topic of Google Cloud Pub/Sub, which gets one message for each row."""

    type: Literal["pubsub"]
    name: DestinationName
    topic: Annotated[str, StringConstraints(pattern=_TOPIC)] = Field(
        description=(
            "The topic, `projects/{project}/topics/{topic}`, by the project's id. Its owner grants the"
            " service's delivery account `roles/pubsub.publisher` on it."
        )
    )
    ordering_key_column: Annotated[str, StringConstraints(pattern=_COLUMN)] | None = Field(
        default=None,
        description=(
            "The column, in lower case, whose value is the messages' ordering key; a row without a value has"
            " none. A table that lacks it fails the job. Rows of one chunk keep their order under a key,"
            " those of different chunks do not. Each key of a batch takes a request of its own."
        ),
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A row that is sent again has the same attributes `beam-job-id`, `beam-chunk` and `beam-row`."
        ),
    )
