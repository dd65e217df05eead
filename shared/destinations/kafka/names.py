"""The names of a chunk's delivery and of its messages on the broker."""

from collections.abc import Iterable

from shared.destinations.labels import CHUNK, JOB, ROW
from shared.domain.destination import Destination
from shared.steps.sending import ChunkDelivery


def topic_name(organization_id: str, destination_name: str) -> str:
    """Return the topic of a destination. Organization ids have no dot, so two organizations never share
    one.
    """
    return f"beam.{organization_id}.{destination_name}"


def topic_of(delivery: ChunkDelivery) -> str:
    """Return the topic that the destination names, or otherwise the organization's own topic."""
    return topic_at(delivery.organization_id, delivery.destination)


def topic_at(organization_id: str, destination: Destination) -> str:
    """Return the topic of a destination as ``topic_of`` does, without a chunk."""
    named: str | None = destination.options.get("topic")
    return named or topic_name(organization_id, destination.name)


def transaction_of(delivery: ChunkDelivery) -> str:
    """Return the name of both the transactional id and the group whose offset is the marker.

    Each (job, attempt, chunk, destination) has its own name. Handlers that send the same rows share it, and
    handlers that send other rows never do.
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
    """Return, for each of these rows of the chunk, the headers that identify it, in the form of
    ``produce``.
    """
    job_id = (JOB, delivery.job_id.encode())
    chunk = (CHUNK, b"%d" % delivery.chunk)
    return [[job_id, chunk, (ROW, b"%d" % row)] for row in rows]
