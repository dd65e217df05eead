"""A job's chunks, and how the service counts their deliveries.

A chunk is one staged Parquet file. The chunk's own record is the truth about its delivery.
``chunks_left`` counts these records. It is split into shards, so that many deliveries can finish at once.
"""

from dataclasses import dataclass

CHUNKS_PER_SHARD = 50
MOST_SHARDS = 20


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One line of the unload's manifest: the file's name below the attempt's prefix, its bytes and rows."""

    name: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A staged file and its number in the job. Chunk number and row index identify a row permanently."""

    number: int
    name: str
    size: int
    rows: int
    delivered: bool = False


def number_files(files: list[StagedFile]) -> list[Chunk]:
    """Number the files in the order of their names, so that every reading of a manifest gives the same
    numbers.
    """
    ordered = sorted(files, key=lambda file: file.name)
    return [Chunk(number, file.name, file.size, file.rows) for number, file in enumerate(ordered)]


def shards_for(chunks: int) -> int:
    """Return how many counter documents a job with this many chunks gets.

    Firestore recommends about one sustained write a second per document. A small job needs one document.
    """
    return min(MOST_SHARDS, -(-chunks // CHUNKS_PER_SHARD))


def shard_of(chunk: int, shards: int) -> int:
    """Return the counter document that the chunk decrements."""
    return chunk % shards
