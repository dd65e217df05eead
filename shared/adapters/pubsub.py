"""Pub/Sub: publish messages, and read the push envelopes in which Pub/Sub delivers them."""

import base64
import binascii
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
from shared.domain.errors import MalformedMessage, Unavailable
from shared.domain.jobs import Job
from shared.domain.messages import DeliverChunk, Message, from_data, to_data
from shared.domain.traces import HEADER, Trace, parent_of_message, parse

# The limit of messages per request. Our messages have about 250 bytes, far below the limit of 10 MB.
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
    """Implements the port Publisher; ``timeout`` in seconds covers all messages of one call together.

    Chunks of a job with a static egress address go to a separate topic, whose function has such an address.
    """

    def __init__(
        self,
        client: PublisherClient,
        project: str,
        *,
        stage_topic: str,
        chunks_topic: str,
        static_chunks_topic: str,
        timeout: float,
    ) -> None:
        self._client = client
        self._stage_topic: str = client.topic_path(project, stage_topic)
        self._chunks_topic: str = client.topic_path(project, chunks_topic)
        self._static_chunks_topic: str = client.topic_path(project, static_chunks_topic)
        self._timeout = timeout

    def publish(self, job: Job, messages: Iterable[Message]) -> None:
        until = time.monotonic() + self._timeout
        traceparent = parent_of_message(job.trace)
        attributes = {} if traceparent is None else {HEADER: traceparent}
        with reaching("the message queue"):
            for topic, data in self._requests(job, messages):
                contents = [{"data": each, "attributes": attributes} for each in data]
                try:
                    self._send(topic, contents, until - time.monotonic())
                except GoogleAPICallError as error:
                    # After any error, it is unknown whether the messages are published.
                    detail = f"{type(error).__name__}: {error}"
                    raise Unavailable("the message queue", detail=detail) from error

    def _topic(self, job: Job, message: Message) -> str:
        if not isinstance(message, DeliverChunk):
            return self._stage_topic
        return self._static_chunks_topic if job.static_egress_ip else self._chunks_topic

    def _requests(self, job: Job, messages: Iterable[Message]) -> Iterator[tuple[str, list[bytes]]]:
        for topic, some in groupby(messages, partial(self._topic, job)):
            while data := [to_data(message) for message in islice(some, _MOST_MESSAGES)]:
                yield topic, data

    def _send(self, topic: str, messages: Sequence[Mapping[str, object]], seconds: float) -> None:
        """Send one request and wait for its answer.

        This avoids the batching client (`google.cloud.pubsub_v1`). It sends 100 messages per request from its
        own threads, waits 10 ms for a single message, and took ten times as long for 10,000 messages.
        """
        request = {"topic": topic, "messages": messages}
        # Both limits are equal: a retry that began after the call's timeout would get the full timeout again.
        seconds = max(0.001, seconds)
        self._client.publish(request=request, retry=_RETRY.with_timeout(seconds), timeout=seconds)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message that Pub/Sub pushed. ``tried``: the number of delivery attempts, including this one.

    ``trace``: the span that published the message.
    """

    message: Message
    message_id: str
    tried: int
    trace: Trace | None


def read_push(body: bytes) -> Pushed:
    """Read Pub/Sub's push envelope. Raises MalformedMessage if the envelope or its message is invalid."""
    try:
        envelope = json.loads(body)
        message = envelope["message"]
        attributes: Mapping[str, str] = message.get("attributes") or {}
        data = base64.b64decode(message.get("data") or "", validate=True)
        tried = int(attributes.get(_DELIVERY_COUNT) or envelope.get("deliveryAttempt") or 1)
        message_id = str(message.get("messageId", ""))
        trace = parse(attributes.get(HEADER))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise MalformedMessage(
            "not a Pub/Sub push envelope", detail=f"{type(error).__name__}: {error}"
        ) from error
    return Pushed(from_data(data), message_id, tried, trace)
