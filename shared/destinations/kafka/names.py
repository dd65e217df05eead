"""What a chunk's delivery, and each of its messages, is called on the broker."""

from collections.abc import Iterable

from shared.destinations.labels import CHUNK, JOB, ROW
from shared.domain.destination import Destination
from shared.steps.sending import ChunkDelivery


def topic_name(organization_id: str, destination_name: str) -> str:
    """The topic of a destination; organizations' ids hold no dot, so no two can share one."""
    return f"beam.{organization_id}.{destination_name}"


def topic_of(delivery: ChunkDelivery) -> str:
    """The topic that the destination names, else the organization's own."""
    return topic_at(delivery.organization_id, delivery.destination)


def topic_at(organization_id: str, destination: Destination) -> str:
    """As ``topic_of``, for no chunk in particular."""
    named: str | None = destination.options.get("topic")
    return named or topic_name(organization_id, destination.name)


def transaction_of(delivery: ChunkDelivery) -> str:
    """Names both the transactional id and the group whose offset is the marker.

    One for each (job, attempt, chunk, destination): whoever sends the same rows again meets them, and
    whoever sends others never does.
    """
    return ".".join(
        (
            "beam",
            delivery.organization_id,
            delivery.job_id,
            delivery.attempt_id,
            str(delivery.chunk),
            delivery.destination.uid,
        )
    )


def labels_of(delivery: ChunkDelivery, rows: Iterable[int]) -> list[list[tuple[str, bytes]]]:
    """For each of these rows of the chunk the headers that name it for ever, as ``produce`` takes them."""
    job_id = (JOB, delivery.job_id.encode())
    chunk = (CHUNK, b"%d" % delivery.chunk)
    return [[job_id, chunk, (ROW, b"%d" % row)] for row in rows]
