"""The Pub/Sub sink: a chunk's rows as messages, with as many per request as Pub/Sub accepts."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from google.api_core.exceptions import (
    BadRequest,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    RetryError,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from shared.destinations.labels import ROW, labels
from shared.destinations.printable import printable
from shared.destinations.requests import Request, RequestLimits, Requests, grouped
from shared.domain.errors import DestinationRefused, Unavailable
from shared.domain.oversized import NONE_SKIPPED, SizeLimit, Skipped
from shared.steps.sending import ChunkDelivery, EncodedBatch, Pulse, Rows

MOST_MESSAGES: Final = 1_000  # per request
# Pub/Sub limits a request, and thus a message, to 10 MB. The difference is ample for everything but the rows.
MOST_BYTES: Final = 9_990_000
MOST_KEY_BYTES: Final = 1_024
_LIMIT = SizeLimit(MOST_BYTES, "Pub/Sub", "Make the row smaller, by `columns` for example,")
_OVERHEAD = 100  # bytes of a message beyond its row: names and numbers of attributes
_TIMEOUT = 30.0  # seconds for one request

# The plain protobuf messages, because building proto-plus objects takes nine times as long.
_Request: Any = PublishRequest.pb()
_Message: Any = PubsubMessage.pb()
_Row = tuple[int, bytes, str]
"""A row's number, its JSON and its ordering key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PubSubSink:
    """Implements Sink. ``own_topics``: the service's own topics, which no destination may use."""

    client: PublisherClient
    own_topics: Collection[str]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    limits: RequestLimits

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        """Publish the rows of the unacknowledged batches. Return False if time ran out."""
        topic = delivery.destination.options["topic"]
        if topic in self.own_topics:
            raise DestinationRefused(f"Topic {topic} is the service's own: choose another one")
        ordered = delivery.destination.traits.key_column is not None
        # Parallel requests could overtake each other.
        limits = replace(self.limits, in_flight=1) if ordered else self.limits
        requests = Requests(monotonic=self.monotonic, sleep=self.sleep, random=self.random, limits=limits)
        return requests.deliver(
            delivery,
            rows,
            pulse,
            lambda batch: _prepared(delivery, batch, ordered=ordered),
            lambda request: self._publish(topic, request),
        )

    def _publish(self, topic: str, request: PublishRequest) -> None:
        try:
            self.client.publish(request=request, timeout=_TIMEOUT, retry=None)
        except NotFound as error:
            raise DestinationRefused(f"There is no topic {topic}", detail=_shown(error)) from error
        except (Forbidden, Unauthorized) as error:
            raise DestinationRefused(
                f"The service may not publish to topic {topic}. Have its owner grant roles/pubsub.publisher,"
                " and retry the job",
                detail=_shown(error),
            ) from error
        except BadRequest as error:
            raise DestinationRefused(
                f"Topic {topic} refuses these messages because of its schema or its settings",
                detail=_shown(error),
            ) from error
        except (GoogleAPICallError, RetryError) as error:
            raise Unavailable(f"topic {topic}", detail=_shown(error)) from error
        except GoogleAuthError as error:
            raise Unavailable("the service's identity", detail=_shown(error)) from error


def _prepared(
    delivery: ChunkDelivery, batch: EncodedBatch, *, ordered: bool
) -> tuple[Sequence[Request[PublishRequest]], Skipped]:
    skipped = NONE_SKIPPED
    keys = batch.keys() if ordered else None

    def rows() -> Iterator[tuple[_Row, int]]:
        nonlocal skipped
        # Each message has these bytes besides its row and key.
        overhead = len(delivery.job_id) + _OVERHEAD
        for row, line in enumerate(batch.lines(), batch.first_row):
            key = keys[row - batch.first_row] if keys else None
            size = len(line) + len(key or b"") + overhead
            if size > MOST_BYTES:
                named = batch.keys()
                named_key = named[row - batch.first_row] if named else None
                skipped += delivery.too_large(row, named_key, size, _LIMIT)
            else:
                yield (row, line, _ordering_key(delivery, row, key)), size

    # All messages of a request have one ordering key.
    by_key: dict[str, list[tuple[_Row, int]]] = {}
    for row, size in rows():
        by_key.setdefault(row[2], []).append((row, size))
    template = _Message(attributes=labels(delivery, 0))
    requests = [
        Request(_request(delivery, template, request.payload), request.size)
        for of_key in by_key.values()
        for request in grouped(iter(of_key), MOST_MESSAGES, MOST_BYTES)
    ]
    return requests, skipped


def _request(delivery: ChunkDelivery, template: Any, rows: Sequence[_Row]) -> PublishRequest:
    """Return the rows as messages, each a copy of the template with what differs: a copy takes less time than
    setting each attribute.
    """
    request = _Request(topic=delivery.destination.options["topic"])
    request.messages.extend([template] * len(rows))
    for message, (row, line, key) in zip(request.messages, rows, strict=True):
        message.data = line
        message.attributes[ROW] = str(row)
        if key:
            message.ordering_key = key
    wrapped: PublishRequest = PublishRequest.wrap(request)
    return wrapped


def _ordering_key(delivery: ChunkDelivery, row: int, key: bytes | None) -> str:
    if key is not None and len(key) > MOST_KEY_BYTES:
        raise DestinationRefused(
            f"Row {row} of chunk {delivery.chunk} has an ordering key of {len(key):,} bytes, more than"
            f" Pub/Sub's limit of {MOST_KEY_BYTES:,} bytes. Choose another ordering_key_column"
        )
    return "" if key is None else key.decode()


def _shown(error: BaseException) -> str:
    return printable(f"{type(error).__name__}: {error}")
