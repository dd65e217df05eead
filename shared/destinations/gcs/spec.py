"""The fields of a bucket of Google Cloud Storage."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import DestinationName, Spec, refusal

_LABEL = "[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
# The last part of a name with full stops begins with a letter: else it could be an address.
_BUCKET = rf"^{_LABEL}(?:(?:\.{_LABEL})*\.[a-z](?:[a-z0-9_-]{{0,61}}[a-z0-9])?)?$"
# Printable ASCII, no slash at the beginning, no two full stops in a row.
_PREFIX = r"^(?:\.|[ -\-0-~]\.?)(?:[ -\-/-~]\.?)*$"
MOST_PREFIX_LENGTH = 500


def _delivery(value: Any) -> Any:
    if value == "at_least_once":
        reason = "A bucket has exactly_once only: each chunk is one object, which is written once"
        raise refusal("delivery", reason)
    return value


class GcsDestination(Spec):
    """A bucket of Google Cloud Storage, which gets one object for each chunk."""

    type: Literal["gcs"]
    name: DestinationName
    bucket: Annotated[str, StringConstraints(pattern=_BUCKET, min_length=3, max_length=222)] = Field(
        description=(
            "The bucket. Its owner grants the service's delivery account `roles/storage.objectCreator` and"
            " `roles/storage.objectViewer` on it."
        )
    )
    prefix: (
        Annotated[str, StringConstraints(pattern=_PREFIX, min_length=1, max_length=MOST_PREFIX_LENGTH)] | None
    ) = Field(
        default=None,
        description="Begins the objects' names, `{prefix}{job_id}/{chunk}`; often ends in a slash.",
    )
    format: Literal["parquet", "ndjson"] | None = Field(
        default=None,
        description=(
            "`parquet` (the default): the file as Snowflake wrote it. `ndjson`: one JSON object a line, as in"
            " the messages of the other destinations."
        ),
    )
    delivery: Annotated[Literal["exactly_once"], BeforeValidator(_delivery)] | None = Field(
        default=None,
        description="An object is there whole or not at all, and is never written twice.",
    )
