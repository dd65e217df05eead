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
_FRAMES = 16  # bytes around a message, its row and its key, at most

# The messages below proto-plus: its own objects took four times as long to build.
_Request: Any = PublishRequest.pb()
_Message: Any = PubsubMessage.pb()

_Sized = tuple[Any, int]  # a message, and at most how many bytes of a request it takes

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
    overhead = _Request(topic=topic).ByteSize()
    # Beside its row and its key no message of the batch has more; measuring each took a tenth of the time.
    most_beside = _Message(attributes=labels(delivery, batch.first_row + batch.rows)).ByteSize() + _FRAMES
    lanes: dict[str, list[_Sized]] = {}
    skipped, size = NONE_SKIPPED, 0
    lines, keys = batch.lines(), batch.keys() or [None] * batch.rows
    for row, line, key in zip(range(batch.first_row, batch.first_row + batch.rows), lines, keys, strict=True):
        if ordered and key is not None and len(key) > MOST_KEY_BYTES:
            skipped += delivery.too_large(row, key, len(key), _KEY)
            continue
        ordering_key = key.decode() if ordered and key is not None else ""
        room = len(line) + most_beside + (len(key) if ordered and key is not None else 0)
        if room + overhead > MOST_BYTES:
            skipped += delivery.too_large(row, key, room + overhead, _SIZE)
            continue
        size += room
        message = _Message(data=line, attributes=labels(delivery, row), ordering_key=ordering_key)
        lanes.setdefault(ordering_key, []).append((message, room))
    # All messages of a request have to have the same ordering key.
    return Batch(
        number,
        [list(_requests(topic, messages, MOST_BYTES - overhead)) for messages in lanes.values()],
        skipped,
        size,
    )


def _requests(topic: str, messages: Iterable[_Sized], most: int) -> Iterator[PublishRequest]:
    held: list[Any] = []
    room = most
    for message, size in messages:
        if held and (size > room or len(held) == MOST_MESSAGES):
            yield _request(topic, held)
            held, room = [], most
        held.append(message)
        room -= size
    if held:
        yield _request(topic, held)


def _request(topic: str, messages: Sequence[Any]) -> PublishRequest:
    request: PublishRequest = PublishRequest.wrap(_Request(topic=topic, messages=messages))
    return request
