"""Chunks: their numbers, and the shards that count them."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.chunks import CHUNKS_PER_SHARD, MOST_SHARDS, Chunk, number_files, shard_of, shards_for
from tests.fakes.examples import staged_files


def test_a_manifest_read_in_any_order_numbers_its_files_alike() -> None:
    """A row's permanent name consists of its job, its chunk's number and its index."""
    numbered = [number_files(list(files)) for files in permutations(staged_files(3))]
    assert all(chunks == numbered[0] for chunks in numbered)
    assert numbered[0][1] == Chunk(1, "data_00001.parquet", 101, 5, delivered=False)


@given(st.integers(1, 100_000))
def test_every_chunk_counts_down_a_shard_that_exists_and_every_shard_counts_one(chunks: int) -> None:
    shards = shards_for(chunks)
    assert 1 <= shards <= MOST_SHARDS
    assert {shard_of(chunk, shards) for chunk in range(min(chunks, 200))} == set(range(shards))


def test_a_small_job_has_one_count_and_one_of_no_chunks_none() -> None:
    assert [shards_for(chunks) for chunks in (0, 1, CHUNKS_PER_SHARD, CHUNKS_PER_SHARD + 1)] == [0, 1, 1, 2]
