"""The fields of a bucket of Google Cloud Storage."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from shared.destinations.spec import DestinationName, Place, Spec, explained, refusal

# Google's rule: letters, digits, hyphens, underscores and full stops, with a letter or digit at each end.
BUCKET = r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$"
_BUCKET = (
    "Give a bucket's name: 3 to 222 lowercase ASCII letters, digits, hyphens, underscores and full stops,"
    " with a letter or a digit at each end"
)
# Plain folders: not empty, not only full stops, no characters that are special in a shell or a URL.
_FOLDER = r"[A-Za-z0-9_=-][A-Za-z0-9._=-]{0,99}"
PREFIX = rf"^{_FOLDER}(/{_FOLDER}){{0,9}}/?$"
_PREFIX = (
    "Give up to 10 names of folders with slashes between, each of 1 to 100 ASCII letters, digits, full stops,"
    " hyphens, underscores and =, the first character no full stop"
)


def _delivery(value: Any) -> Any:
    if value == "at_least_once":
        raise refusal("delivery", "A bucket supports only exactly_once: a chunk is an object, written once")
    return value


class GcsDestination(Spec):
    """Objects ``{prefix}{job_id}/{chunk}.parquet`` or ``.ndjson`` in a bucket, one per chunk."""

    type: Literal["gcs"]
    name: DestinationName
    bucket: Annotated[str, StringConstraints(pattern=BUCKET), explained(_BUCKET)] = Field(
        description="The bucket. Its owner allows the service's account to create and read objects."
    )
    prefix: Annotated[str, StringConstraints(pattern=PREFIX), explained(_PREFIX)] | None = Field(
        default=None,
        description=(
            "What the objects' names begin with, such as `backfills/base/`. The job's id follows directly: a"
            " folder needs the slash at its end."
        ),
    )
    format: Literal["parquet", "ndjson"] | None = Field(
        default=None,
        description=(
            "`parquet`, the default: the files that Snowflake wrote, with the rows' fields as columns."
            " `ndjson`: one JSON object per line, as at the other destinations."
        ),
    )
    delivery: Annotated[Literal["exactly_once"], BeforeValidator(_delivery)] | None = Field(
        default=None, description="Each object is written once, and a repeated delivery finds it."
    )

    @classmethod
    def place(cls, given: Mapping[str, Any]) -> Place | None:
        values = (given.get("bucket"), given.get("prefix") or "", given.get("format") or "parquet")
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            return None
        return Place(
            "bucket", texts, "Another destination has this bucket, prefix and format, thus the same objects"
        )
