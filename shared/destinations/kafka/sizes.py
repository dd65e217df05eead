"""Bytes of a message on its way to a topic, and which rows of a batch may be too large for it."""

from collections.abc import Sequence

_BATCH_HEADER = 61
_MOST_OVERHEAD = 256  # of a batch of one message, its headers included, beyond key and value


def batch_of_one(value: bytes, key: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """Bytes of a batch that holds this message alone, before compression: what a topic's limit is of."""
    record = 3 + _sized(key or b"") + _sized(value) + _varint(len(headers))
    record += sum(_sized(name.encode()) + _sized(text) for name, text in headers)
    return _BATCH_HEADER + _varint(record) + record


def all_fit(most: int, size: int, lines: Sequence[bytes], keys: Sequence[bytes | None]) -> bool:
    """Whether each of these rows, of ``size`` bytes in all, is in a message of at most ``most`` for sure.

    A key is the text of one of the row's columns, so two sums tell it of nearly all batches.
    """
    room = most - _MOST_OVERHEAD
    if 2 * size <= room:
        return True
    longest = max(map(len, lines), default=0)
    return longest + max((len(key) for key in keys if key is not None), default=0) <= room


def _sized(part: bytes) -> int:
    return _varint(len(part)) + len(part)


def _varint(number: int) -> int:
    """Bytes of a number in zigzag, of which the least one is a sign."""
    return max(1, -(-(2 * number).bit_length() // 7))
