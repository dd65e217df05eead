"""The names that rows carry for ever, by which a reader tells a repeated row from another."""

from shared.steps.sending import ChunkDelivery

JOB, CHUNK, ROW = "beam-job-id", "beam-chunk", "beam-row"


def labels(delivery: ChunkDelivery, row: int) -> dict[str, str]:
    """Of the chunk's row with this number, from 0, the same on every try."""
    return {JOB: delivery.job_id, CHUNK: str(delivery.chunk), ROW: str(row)}


def row_id(delivery: ChunkDelivery, row: int) -> str:
    """One text that names the row at its destination: for systems that drop what comes again by an id."""
    parts = (delivery.job_id, delivery.attempt_id, delivery.chunk, delivery.destination.uid, row)
    return "_".join(str(part) for part in parts)
