"""A job's chunks, and how their deliveries are counted.

A chunk is one staged Parquet file. The chunk's own record is the truth about its delivery;
``chunks_left`` is a count of such records, kept in shards so that many deliveries can finish at once.
"""

from dataclasses import dataclass

CHUNKS_PER_SHARD = 50
MOST_SHARDS = 20


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A line of the unload's manifest: the file's name within its attempt's prefix, bytes and rows."""

    name: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A staged file with its number in the job, which with the row's index names a row for ever."""

    number: int
    name: str
    size: int
    rows: int
    delivered: bool = False


def number_files(files: list[StagedFile]) -> list[Chunk]:
    """Chunks in the order of their files' names, so that a manifest read twice numbers them alike."""
    ordered = sorted(files, key=lambda file: file.name)
    return [Chunk(number, file.name, file.size, file.rows) for number, file in enumerate(ordered)]


def shards_for(chunks: int) -> int:
    """How many count documents a job of so many chunks gets.

    One document takes about one sustained write a second in Firestore's guidance; small jobs need one.
    """
    return min(MOST_SHARDS, -(-chunks // CHUNKS_PER_SHARD))


def shard_of(chunk: int, shards: int) -> int:
    """The count document that the chunk counts down."""
    return chunk % shards
