"""Pub/Sub: publishing the messages, and reading the push envelope they come back in."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass

from google.cloud.pubsub_v1 import PublisherClient

from shared.adapters.google_errors import reaching
from shared.errors import MalformedMessage, Unavailable
from shared.jobs import Job
from shared.messages import DeliverChunk, Message, from_data, to_data
from shared.traces import HEADER, Trace, parent_of_message, parse

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
        traceparent = parent_of_message(job.trace)
        attributes = {} if traceparent is None else {HEADER: traceparent}
        with reaching("the message queue"):
            # All are handed over before any is waited for: the client sends them in batches.
            published = [
                self._client.publish(self._topic(job, message), to_data(message), **attributes)
                for message in messages
            ]
            done, unconfirmed = wait(published, self._timeout, return_when=FIRST_EXCEPTION)
            for future in done:
                if (error := future.exception()) is not None:
                    # Whatever it was: the message is not known to be published.
                    detail = f"{type(error).__name__}: {error}"
                    raise Unavailable("the message queue", detail=detail) from error
            if unconfirmed:
                raise Unavailable("the message queue", detail=f"{len(unconfirmed)} messages are unconfirmed")

    def _topic(self, job: Job, message: Message) -> str:
        if not isinstance(message, DeliverChunk):
            return self._stage_topic
        return self._static_chunks_topic if job.static_egress_ip else self._chunks_topic


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
