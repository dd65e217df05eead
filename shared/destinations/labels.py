"""The permanent names of rows, by which a reader recognizes a repeated row."""

from shared.steps.sending import ChunkDelivery

JOB, CHUNK, ROW = "beam-job-id", "beam-chunk", "beam-row"


def labels(delivery: ChunkDelivery, row: int) -> dict[str, str]:
    """Return the labels of the chunk's row with this number, from 0. They are the same at every attempt."""
    return {JOB: delivery.job_id, CHUNK: str(delivery.chunk), ROW: str(row)}


def row_id(delivery: ChunkDelivery, row: int) -> str:
    """Return one text that identifies the row at its destination, for systems that drop repeats by id."""
    return f"{id_prefix(delivery)}{row}"


def id_prefix(delivery: ChunkDelivery) -> str:
    """Return what the ids of all rows of the chunk begin with. The row's number follows."""
    return f"{delivery.job_id}_{delivery.attempt_id}_{delivery.chunk}_{delivery.destination.uid}_"
