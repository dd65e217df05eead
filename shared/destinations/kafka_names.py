"""What a chunk's delivery is called on the broker."""

from shared.jobs import topic_name
from shared.steps.ports import ChunkDelivery


def topic_of(delivery: ChunkDelivery) -> str:
    return topic_name(delivery.organization_id, delivery.destination.name)


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
