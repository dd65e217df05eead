"""Sinks into topics of a test's Pub/Sub emulator."""

import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from shared.destinations.pubsub.sink import PubsubLimits, PubsubSink
from shared.steps.sending import ChunkDelivery
from tests.fakes.destinations import pubsub
from tests.fakes.sending import delivery_to

_EMPTY_AT_THE_END = 3


@dataclass(frozen=True)
class Topic:
    """A topic of the test's own, with a subscription from its beginning on."""

    name: str
    subscription: str
    subscriber: SubscriberClient
    publisher: PublisherClient
    sink: PubsubSink
    _pulled: list[PubsubMessage] = field(default_factory=list)

    def delivery(self, rows: int, ordering_key_column: str | None = None, **options: Any) -> ChunkDelivery:
        destination = pubsub("exports", str(uuid.uuid4()), self.name, ordering_key_column)
        return delivery_to(destination, rows, **options)

    def messages(self) -> list[PubsubMessage]:
        """All that arrived so far, in the order in which they are handed out."""
        self._pulled.extend(pull(self.subscriber, self.subscription))
        return list(self._pulled)

    def rows(self) -> list[int]:
        return [int(message.attributes["beam-row"]) for message in self.messages()]


def pull(subscriber: SubscriberClient, subscription: str) -> list[PubsubMessage]:
    """Every message that is there by now; some empty answers in a row tell the end."""
    found: list[PubsubMessage] = []
    empty = 0
    while empty < _EMPTY_AT_THE_END:
        request = {"subscription": subscription, "max_messages": 1000, "return_immediately": True}
        with warnings.catch_warnings():
            # Deprecated for readers that would ask all the time; a test asks once, for what is there.
            warnings.simplefilter("ignore", DeprecationWarning)
            received = subscriber.pull(request=request, timeout=30).received_messages
        if not received:
            empty += 1
            continue
        empty = 0
        found += [each.message for each in received]
        ids = [each.ack_id for each in received]
        # With ordering, a key's next messages are handed out once those before are acknowledged.
        subscriber.acknowledge(request={"subscription": subscription, "ack_ids": ids})
    return found


@contextmanager
def topic(
    host: str, limits: PubsubLimits | None = None, own: Callable[[str], bool] = lambda _: False
) -> Iterator[Topic]:
    publisher, subscriber = publisher_of(host), subscriber_of(host)
    name = f"exports-{uuid.uuid4().hex[:8]}"
    topic = publisher.create_topic(request={"name": f"projects/some-project/topics/{name}"}).name
    subscription = f"projects/some-project/subscriptions/{name}"
    subscriber.create_subscription(
        request={"name": subscription, "topic": topic, "enable_message_ordering": True}
    )
    sink = PubsubSink(publisher, own=own, monotonic=time.monotonic, limits=limits or PubsubLimits(least=0.0))
    with publisher, subscriber:
        yield Topic(topic, subscription, subscriber, publisher, sink)
        subscriber.delete_subscription(request={"subscription": subscription})


def publisher_of(host: str) -> PublisherClient:
    """A client of the emulator, or of any server that speaks gRPC in plain text."""
    return PublisherClient(transport=PublisherGrpcTransport(channel=grpc.insecure_channel(host)))


def subscriber_of(host: str) -> SubscriberClient:
    channel = grpc.insecure_channel(host, options=[("grpc.max_receive_message_length", -1)])
    return SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
