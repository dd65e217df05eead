"""The sizes of messages, and the rows of a batch that may be too large for a topic."""

from collections.abc import Sequence

_BATCH_HEADER = 61
_MOST_OVERHEAD = 256  # bytes of a batch of one message beyond key and value, including its headers
_CLIENTS_OVERHEAD = 36  # librdkafka's RD_KAFKAP_MESSAGE_V2_MAX_OVERHEAD, the longest numbers of a record


def batch_of_one(value: bytes, key: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """Return the size before compression of a batch of only this message, which a topic's limit counts."""
    record = 3 + _sized(key or b"") + _sized(value) + _varint(len(headers))
    record += _sizes(headers)
    return _BATCH_HEADER + _varint(record) + record


def size_in_client(value: bytes, key: bytes | None, headers: Sequence[tuple[str, bytes]] = ()) -> int:
    """Return the size that librdkafka compares with its message.max.bytes, before it takes a message.

    A message above it raises the error of a topic's refusal, which would be taken for one.
    """
    return _CLIENTS_OVERHEAD + len(value) + len(key or b"") + _sizes(headers)


def all_fit(
    most: int, size: int, lines: Sequence[bytes], keys: Sequence[bytes | None], *, keys_in_rows: bool
) -> bool:
    """Return whether each of these rows, ``size`` bytes in total, certainly fits a message of ``most`` bytes.

    ``keys_in_rows``: each key is the text of one of its row's fields, so two sums suffice for nearly all
    batches. A hidden column is not in the rows, so its text may be of any length.
    """
    room = most - _MOST_OVERHEAD
    if keys_in_rows and 2 * size <= room:
        return True
    longest = max(map(len, lines), default=0)
    return longest + max((len(key) for key in keys if key is not None), default=0) <= room


def _sizes(headers: Sequence[tuple[str, bytes]]) -> int:
    return sum(_sized(name.encode()) + _sized(text) for name, text in headers)


def _sized(part: bytes) -> int:
    return _varint(len(part)) + len(part)


def _varint(number: int) -> int:
    """Return the bytes of a zigzag-encoded number, whose lowest bit is the sign."""
    return max(1, -(-(2 * number).bit_length() // 7))
