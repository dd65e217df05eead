"""The fields of a topic of Google Cloud Pub/Sub."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import ColumnName, DestinationName, Spec, explained, refusal

# Google's rules for both names.
TOPIC = r"^projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$"
_TOPIC = "Give projects/PROJECT/topics/TOPIC, the project's id and the topic's name by Google's rules"


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "Pub/Sub supports only at_least_once: readers drop repeated rows by their attributes"
        raise refusal("delivery", reason)
    return value


class PubSubDestination(Spec):
    """A topic of Google Cloud Pub/Sub, which receives one message per row."""

    type: Literal["pubsub"]
    name: DestinationName
    topic: Annotated[str, StringConstraints(pattern=TOPIC), explained(_TOPIC)] = Field(
        description=(
            "`projects/…/topics/…`, which must exist; its owner allows the service's account to publish"
            " to it."
        )
    )
    ordering_key_column: ColumnName | None = Field(
        default=None,
        description=(
            "The table's column that holds the messages' ordering keys; a chunk's requests are then sent one"
            " after the other."
        ),
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A repeated row carries the same attributes `beam-job-id`, `beam-chunk` and `beam-row`: drop rows"
            " that you have already seen."
        ),
    )
