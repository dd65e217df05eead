"""Parallel lookups of chunks in Kafka, in threads."""

import threading

import pytest

from shared.bootstrap.stage import several_at_once
from shared.domain.chunks import Chunk, number_files
from shared.domain.errors import Unavailable
from tests.fakes.examples import staged_files

CHUNKS = number_files(staged_files(32))


def test_eight_chunks_are_looked_up_at_once_and_in_the_end_all() -> None:
    eight, seen = threading.Barrier(8, timeout=30), set()

    def look_up(chunk: Chunk) -> None:
        eight.wait()
        seen.add(chunk.number)

    several_at_once(look_up, CHUNKS)
    assert seen == set(range(32))


def test_what_went_wrong_with_one_is_raised() -> None:
    def look_up(chunk: Chunk) -> None:
        if chunk.number == 20:
            raise Unavailable("Kafka")

    with pytest.raises(Unavailable):
        several_at_once(look_up, CHUNKS)
