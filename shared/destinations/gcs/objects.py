"""Which object a chunk becomes, and how one that is there already tells whose it is."""

from collections.abc import Mapping

from shared.destinations.labels import CHUNK, JOB
from shared.steps.sending import ChunkDelivery

PARQUET, NDJSON = "parquet", "ndjson"
CONTENT_TYPES: Mapping[str, str] = {
    PARQUET: "application/vnd.apache.parquet",
    NDJSON: "application/x-ndjson",
}
ATTEMPT, ROWS = "beam-attempt-id", "beam-rows"


def format_of(delivery: ChunkDelivery) -> str:
    return str(delivery.destination.options.get("format", PARQUET))


def object_name(delivery: ChunkDelivery) -> str:
    """``{prefix}{job_id}/{chunk}.{format}``, the chunk in eight digits, so that names sort as chunks do."""
    prefix = delivery.destination.options.get("prefix", "")
    return f"{prefix}{delivery.job_id}/{delivery.chunk:08d}.{format_of(delivery)}"


def stamp(delivery: ChunkDelivery) -> dict[str, str]:
    """The object's custom metadata: the same on every try, and another for any other content."""
    return {
        JOB: delivery.job_id,
        ATTEMPT: delivery.attempt_id,
        CHUNK: str(delivery.chunk),
        ROWS: str(delivery.rows),
    }


def is_ours(delivery: ChunkDelivery, metadata: Mapping[str, str] | None, size: int | None) -> bool:
    """Whether an object of this metadata and so many bytes is the whole chunk.

    An unfinished upload is no object, so the stamp alone says that lines are complete; a copy has its
    source's size besides.
    """
    if not stamp(delivery).items() <= (metadata or {}).items():
        return False
    return format_of(delivery) != PARQUET or size == delivery.file_size
