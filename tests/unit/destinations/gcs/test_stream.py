"""Bytes that are made while they are read: all of them, in parts, and none after a check has failed."""

from collections.abc import Iterator

import pytest

from shared.destinations.gcs.stream import Stream, parts_of
from shared.domain.errors import DeliveryStopped

PIECES = [b"a" * 5, b"", b"b" * 12, b"c", b"d" * 6]
WHOLE = b"".join(PIECES)


def unchecked() -> None:
    """Nothing stops it."""


@pytest.mark.parametrize("size", [1, 4, 6, 24, 100])
def test_parts_are_of_one_size_but_the_last(size: int) -> None:
    parts = list(parts_of(iter(PIECES), size))
    assert b"".join(parts) == WHOLE
    assert {len(part) for part in parts[:-1]} <= {size}
    assert 0 < len(parts[-1]) <= size


def test_of_nothing_there_is_no_part() -> None:
    assert list(parts_of(iter([b""]), 4)) == []


@pytest.mark.parametrize("size", [1, 4, 6, 24, 100])
def test_a_stream_reads_its_parts_and_tells_where_it_is(size: int) -> None:
    stream, found = Stream(iter(PIECES), unchecked), b""
    while part := stream.read(size):
        found += part
        assert stream.tell() == len(found)
    assert found == WHOLE
    assert Stream(iter(PIECES), unchecked).read() == WHOLE


def test_what_is_made_is_not_read_once_the_check_fails() -> None:
    stopped: list[Exception] = []

    def check() -> None:
        for error in stopped:
            raise error

    stream = Stream(iter(PIECES), check)
    assert stream.read(20) == WHOLE[:20]
    stopped.append(DeliveryStopped("the job was cancelled"))
    with pytest.raises(DeliveryStopped):
        stream.read(20)


def test_an_error_of_the_parts_is_not_taken_for_their_end() -> None:
    def broken() -> Iterator[bytes]:
        yield b"first"
        raise OSError("the staged file went away")

    with pytest.raises(OSError, match="went away"):
        Stream(broken(), unchecked).read(100)
