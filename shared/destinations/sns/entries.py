"""A batch of rows cut into requests that SNS takes: ten messages and 256 KiB at most, attributes included."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from shared.destinations.labels import labels, row_id
from shared.steps.sending import ChunkDelivery, EncodedBatch

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef as Entry

MOST_ENTRIES: Final = 10
MOST_BYTES: Final = 262_144
_TYPE: Final = "String"

LeaveOut = Callable[[int, bytes | None, int], None]
"""Has the row with this number, key and size left out; raises RowTooLarge unless the job wants that."""


def requests(
    delivery: ChunkDelivery, batch: EncodedBatch, *, fifo: bool, leave_out: LeaveOut
) -> "Iterator[list[Entry]]":
    """The entries of each request, in the order of the rows, whose numbers are the entries' ids."""
    keys = batch.keys()
    held: list[Entry] = []
    bytes_held = 0
    for offset, line in enumerate(batch.lines()):
        row = batch.first_row + offset
        message = _message(line)
        attributes = labels(delivery, row)
        size = len(message) + sum(len(name) + len(_TYPE) + len(value) for name, value in attributes.items())
        if size > MOST_BYTES:
            leave_out(row, keys[offset] if keys else None, size)
            continue
        if len(held) == MOST_ENTRIES or bytes_held + size > MOST_BYTES:
            yield held
            held, bytes_held = [], 0
        entry: Entry = {
            "Id": str(row),
            "Message": message.decode(),
            "MessageAttributes": {
                name: {"DataType": _TYPE, "StringValue": value} for name, value in attributes.items()
            },
        }
        if fifo:
            entry["MessageGroupId"] = _group(delivery)
            entry["MessageDeduplicationId"] = _hashed(row_id(delivery, row))
        held.append(entry)
        bytes_held += size
    if held:
        yield held


def _message(line: bytes) -> bytes:
    """The row with the two characters escaped that JSON allows as they are, and XML and so SQS do not."""
    if b"\xef\xbf\xbe" in line or b"\xef\xbf\xbf" in line:
        return line.replace(b"\xef\xbf\xbe", rb"\ufffe").replace(b"\xef\xbf\xbf", rb"\uffff")
    return line


def _group(delivery: ChunkDelivery) -> str:
    """One for a chunk and destination: chunks are delivered side by side, so only within one is an order."""
    parts = (delivery.job_id, delivery.attempt_id, delivery.chunk, delivery.destination.uid)
    return _hashed("_".join(str(part) for part in parts))


def _hashed(text: str) -> str:
    """64 characters, whatever the text's length: SNS takes 128."""
    return sha256(text.encode()).hexdigest()
