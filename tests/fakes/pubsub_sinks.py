"""A Pub/Sub sink on the emulator, with its own topic, and the received messages."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import PubsubMessage

from shared.destinations import destination
from shared.destinations.pubsub.sink import PubSubSink
from shared.destinations.requests import RequestLimits
from shared.steps.sending import ChunkDelivery
from tests.fakes.sending import delivery_to
from tests.fakes.webhook_sinks import FakeTime

_QUIET = 1.5  # seconds
LIMITS = RequestLimits(least=0.0, reserve=5.0, in_flight=3)


def pubsub_sink(limits: RequestLimits = LIMITS, own_topics: tuple[str, ...] = ()) -> PubSubSink:
    """Return a sink of the emulator in PUBSUB_EMULATOR_HOST."""
    clock = FakeTime()
    return PubSubSink(
        client=PublisherClient(),
        own_topics=own_topics,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        random=lambda: 0.7,
        limits=limits,
    )


@dataclass
class Topic:
    """A topic with a subscription; ``messages`` holds everything pulled so far."""

    name: str = field(init=False)
    subscription: str = field(init=False)
    messages: list[PubsubMessage] = field(default_factory=list)

    def __post_init__(self) -> None:
        project = f"test-{uuid.uuid4().hex[:12]}"
        self.name = f"projects/{project}/topics/rows"
        self.subscription = f"projects/{project}/subscriptions/rows"
        PublisherClient().create_topic(name=self.name)
        self._subscriber = SubscriberClient()
        request = {"name": self.subscription, "topic": self.name, "enable_message_ordering": True}
        self._subscriber.create_subscription(request=request)

    def delivery(self, rows: int, **options: Any) -> ChunkDelivery:
        hook = destination(type="pubsub", name="events", uid="events-uid", topic=self.name, **options)
        return delivery_to(hook, rows)

    def received(self) -> list[PubsubMessage]:
        """Return all messages after none has arrived for a while."""
        until = time.monotonic() + _QUIET
        while (left := until - time.monotonic()) > 0:
            try:
                found = self._subscriber.pull(
                    subscription=self.subscription, max_messages=1_000, timeout=left, retry=None
                ).received_messages
            except DeadlineExceeded:
                break
            if found:
                ids = [one.ack_id for one in found]
                self._subscriber.acknowledge(subscription=self.subscription, ack_ids=ids)
                self.messages += [one.message for one in found]
                until = time.monotonic() + _QUIET
        return self.messages

    def rows(self) -> list[int]:
        return [json.loads(message.data)["row"] for message in self.received()]
