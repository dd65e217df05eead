"""Pub/Sub: publishing the messages, and reading the push envelope they come back in."""

import base64
import binascii
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice

from google.api_core.exceptions import (
    Aborted,
    Cancelled,
    DeadlineExceeded,
    GoogleAPICallError,
    InternalServerError,
    ResourceExhausted,
    ServiceUnavailable,
    Unknown,
)
from google.api_core.retry import Retry, if_exception_type
from google.pubsub_v1 import PublisherClient

from shared.adapters.google_errors import reaching
from shared.errors import MalformedMessage, Unavailable
from shared.messages import DeliverChunk, Message, from_data, to_data

# What one request may carry; a message of ours has some 250 bytes, so its 10 MB are never reached.
_MOST_MESSAGES = 1000
_RETRY = Retry(
    predicate=if_exception_type(
        Aborted,
        Cancelled,
        DeadlineExceeded,
        InternalServerError,
        ResourceExhausted,
        ServiceUnavailable,
        Unknown,
    ),
    initial=0.1,
    maximum=5.0,
)
_DELIVERY_COUNT = "CloudPubSubDeadLetterSourceDeliveryCount"


class PubSubPublisher:
    """Fulfils the port Publisher; ``timeout`` in seconds is for all messages of one call together."""

    def __init__(
        self,
        client: PublisherClient,
        project: str,
        stage_topic: str,
        chunks_topic: str,
        timeout: float,
    ) -> None:
        self._client = client
        self._stage_topic = client.topic_path(project, stage_topic)
        self._chunks_topic = client.topic_path(project, chunks_topic)
        self._timeout = timeout

    def publish(self, messages: Iterable[Message]) -> None:
        until = time.monotonic() + self._timeout
        with reaching("the message queue"):
            for topic, data in self._requests(messages):
                try:
                    self._send(topic, data, until - time.monotonic())
                except GoogleAPICallError as error:
                    # Whatever it was: the messages are not known to be published.
                    detail = f"{type(error).__name__}: {error}"
                    raise Unavailable("the message queue", detail=detail) from error

    def _topic(self, message: Message) -> str:
        topic: str = self._chunks_topic if isinstance(message, DeliverChunk) else self._stage_topic
        return topic

    def _requests(self, messages: Iterable[Message]) -> Iterator[tuple[str, list[bytes]]]:
        for topic, some in groupby(messages, self._topic):
            while data := [to_data(message) for message in islice(some, _MOST_MESSAGES)]:
                yield topic, data

    def _send(self, topic: str, data: list[bytes], seconds: float) -> None:
        """One request and its answer.

        Not by the client that batches (`google.cloud.pubsub_v1`): it sends 100 messages a request from
        threads of its own, waits 10 ms for a single one, and took ten times as long for 10,000.
        """
        request = {"topic": topic, "messages": [{"data": each} for each in data]}
        # Both end at once: a try that begins after the call's timeout would be given all of it again.
        seconds = max(0.001, seconds)
        self._client.publish(request=request, retry=_RETRY.with_timeout(seconds), timeout=seconds)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message as Pub/Sub pushed it. ``tried``: how often handling was tried before it was given up."""

    message: Message
    message_id: str
    tried: int


def read_push(body: bytes) -> Pushed:
    """Read Pub/Sub's push envelope; MalformedMessage if it, or the message in it, is not ours."""
    try:
        envelope = json.loads(body)
        message = envelope["message"]
        attributes: Mapping[str, str] = message.get("attributes") or {}
        data = base64.b64decode(message.get("data") or "", validate=True)
        tried = int(attributes.get(_DELIVERY_COUNT) or envelope.get("deliveryAttempt") or 1)
        message_id = str(message.get("messageId", ""))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise MalformedMessage(
            "not a Pub/Sub push envelope", detail=f"{type(error).__name__}: {error}"
        ) from error
    return Pushed(from_data(data), message_id, tried)
