"""Pub/Sub: publishing the messages, and reading the push envelope they come back in."""

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
    """Fulfils the port Publisher; ``timeout`` in seconds is for all messages of one call together.

    Chunks of a job that asks for a fixed address go to a topic of their own, whose function has one.
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
                    # Whatever it was: the messages are not known to be published.
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
        """One request and its answer.

        Not by the client that batches (`google.cloud.pubsub_v1`): it sends 100 messages a request from
        threads of its own, waits 10 ms for a single one, and took ten times as long for 10,000.
        """
        request = {"topic": topic, "messages": messages}
        # Both end at once: a try that begins after the call's timeout would be given all of it again.
        seconds = max(0.001, seconds)
        self._client.publish(request=request, retry=_RETRY.with_timeout(seconds), timeout=seconds)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message as Pub/Sub pushed it. ``tried``: how often its handling was tried, this time included.

    ``trace``: the span that it was published in.
    """

    message: Message
    message_id: str
    tried: int
    trace: Trace | None


def read_push(body: bytes) -> Pushed:
    """Read Pub/Sub's push envelope; MalformedMessage if it, or the message in it, is not ours."""
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
