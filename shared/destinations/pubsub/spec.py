"""The fields of a topic of Google Cloud Pub/Sub."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import ColumnName, DestinationName, Spec, refusal

# As Google has both names.
TOPIC = r"^projects/[a-z][a-z0-9-]{4,28}[a-z0-9]/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$"


def _delivery(value: Any) -> Any:
    if value == "exactly_once":
        reason = "Pub/Sub has at_least_once only: readers drop repeated rows by the attributes that name them"
        raise refusal("delivery", reason)
    return value


class PubSubDestination(Spec):
    """A topic of Google Cloud Pub/Sub, which gets a message a row."""

    type: Literal["pubsub"]
    name: DestinationName
    topic: Annotated[str, StringConstraints(pattern=TOPIC)] = Field(
        description="`projects/…/topics/…`; its owner lets the service's account publish there."
    )
    ordering_key_column: ColumnName | None = Field(
        default=None,
        description=(
            "The table's column whose values are the messages' ordering keys; a chunk's requests are then"
            " sent one after the other."
        ),
    )
    delivery: Annotated[Literal["at_least_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description=(
            "A row that is sent again has its old attributes `beam-job-id`, `beam-chunk` and `beam-row`: drop"
            " what you have seen."
        ),
    )
