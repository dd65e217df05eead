"""A batch's rows as publish requests, each within what Pub/Sub takes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.pubsub_v1.types import PublishRequest, PubsubMessage

from shared.destinations.labels import labels
from shared.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch

MOST_MESSAGES: Final = 1_000
MOST_BYTES: Final = 10_000_000
MOST_KEY_BYTES: Final = 1_024
_FRAME = 5  # bytes around a message within a request

# The messages below proto-plus: its own objects took four times as long to build.
_Request: Any = PublishRequest.pb()
_Message: Any = PubsubMessage.pb()

_SIZE = SizeLimit(MOST_BYTES, "a request to Pub/Sub", "Leave the row out of the table's slice")
_KEY = SizeLimit(
    MOST_KEY_BYTES, "an ordering key of Pub/Sub", "Shorten the values of the ordering_key_column"
)


@dataclass(frozen=True, slots=True)
class Batch:
    """``lanes``: requests of which each waits for those before it in its lane; the lanes do not wait for
    each other. ``skipped``: rows that are in none. ``size`` in bytes.
    """

    number: int
    lanes: Sequence[Sequence[PublishRequest]]
    skipped: Skipped
    size: int


def prepare(delivery: ChunkDelivery, number: int, batch: EncodedBatch) -> Batch:
    """The batch's messages; RowTooLarge for one that Pub/Sub can't take, unless the job leaves it out."""
    topic = delivery.destination.options["topic"]
    ordered = delivery.destination.options.get("ordering_key_column") is not None
    overhead = _Request(topic=topic).ByteSize() + _FRAME
    lanes: dict[str, list[Any]] = {}
    skipped, size = NONE_SKIPPED, 0
    lines, keys = batch.lines(), batch.keys() or [None] * batch.rows
    for row, line, key in zip(range(batch.first_row, batch.first_row + batch.rows), lines, keys, strict=True):
        if ordered and key is not None and len(key) > MOST_KEY_BYTES:
            skipped += delivery.too_large(row, key, len(key), _KEY)
            continue
        ordering_key = key.decode() if ordered and key is not None else ""
        message = _Message(data=line, attributes=labels(delivery, row), ordering_key=ordering_key)
        bytes_of_all = message.ByteSize() + overhead
        if bytes_of_all > MOST_BYTES:
            skipped += delivery.too_large(row, key, bytes_of_all, _SIZE)
            continue
        size += bytes_of_all
        lanes.setdefault(ordering_key, []).append(message)
    # All messages of a request have to have the same ordering key.
    return Batch(
        number,
        [list(_requests(topic, messages, overhead)) for messages in lanes.values()],
        skipped,
        size,
    )


def _requests(topic: str, messages: Iterable[Any], overhead: int) -> Iterator[PublishRequest]:
    held: list[Any] = []
    room = MOST_BYTES - overhead
    for message in messages:
        size = message.ByteSize() + _FRAME
        if held and (size > room or len(held) == MOST_MESSAGES):
            yield _request(topic, held)
            held, room = [], MOST_BYTES - overhead
        held.append(message)
        room -= size
    if held:
        yield _request(topic, held)


def _request(topic: str, messages: Sequence[Any]) -> PublishRequest:
    request: PublishRequest = PublishRequest.wrap(_Request(topic=topic, messages=messages))
    return request
