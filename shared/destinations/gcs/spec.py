"""The fields of a bucket of Google Cloud Storage."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import DestinationName, Place, Spec, refusal

# As Google has it: letters, digits, hyphens, underscores and full stops, with a letter or digit at each end.
BUCKET = r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"
# Plain folders: no empty one, none of full stops, nothing that a shell or an URL reads otherwise.
PREFIX = r"^([A-Za-z0-9_=-][A-Za-z0-9._=-]{0,99}/){1,10}$"


def _delivery(value: Any) -> Any:
    if value == "at_least_once":
        raise refusal("delivery", "A bucket has exactly_once only: a chunk is an object, written once")
    return value


class GcsDestination(Spec):
    """Objects ``{prefix}{job_id}/{chunk}.parquet`` or ``.ndjson`` in a bucket, one a chunk."""

    type: Literal["gcs"]
    name: DestinationName
    bucket: Annotated[str, StringConstraints(pattern=BUCKET)] = Field(
        description="Its owner lets the service's account create and read objects there."
    )
    prefix: Annotated[str, StringConstraints(pattern=PREFIX)] | None = Field(
        default=None,
        description="Folders before the job's own, such as `backfills/base/`, with the last slash.",
    )
    format: Literal["parquet", "ndjson"] | None = Field(
        default=None,
        description=(
            "`parquet`, the default: the files that Snowflake wrote, with the rows' fields as columns."
            " `ndjson`: one JSON object a line, as at the other destinations."
        ),
    )
    delivery: Annotated[Literal["exactly_once"], BeforeValidator(_delivery)] | None = Field(
        default=None, description="An object is written once, and a delivery that comes again finds it."
    )

    @classmethod
    def place(cls, given: Mapping[str, Any]) -> Place | None:
        values = (given.get("bucket"), given.get("prefix") or "", given.get("format") or "parquet")
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            return None
        return Place(
            "bucket", texts, "Another destination has this bucket, prefix and format, and so the same objects"
        )
