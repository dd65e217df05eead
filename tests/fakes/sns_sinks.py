"""An SNS sink on moto's server, with its own topic and queue, and the received messages."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3

from shared.destinations import destination
from shared.destinations.requests import RequestLimits
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.sink import SnsSink
from shared.steps.sending import ChunkDelivery
from tests.fakes.sending import delivery_to
from tests.fakes.webhook_sinks import FakeTime

LIMITS = RequestLimits(least=0.0, reserve=5.0, in_flight=3)
SECRET = json.dumps({"access_key_id": "AKIATEST", "secret_access_key": "hidden-words"})
_QUIET = 1.0  # seconds


def sns_sink(
    secrets: Callable[[str, str], bytes] = lambda _organization, _name: SECRET.encode(),
    limits: RequestLimits = LIMITS,
    *,
    identity_token: Callable[[str], str] = lambda audience: f"token-for-{audience}",
    own_role: str = "",
) -> SnsSink:
    clock = FakeTime()
    clients = Clients(secrets, identity_token, own_role=own_role, now=clock.now, connections=limits.in_flight)
    return SnsSink(
        clients=clients,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        random=lambda: 0.7,
        limits=limits,
    )


@dataclass
class SnsTopic:
    """A topic with a queue; ``messages`` holds everything received so far."""

    url: str
    fifo: bool = False
    arn: str = field(init=False)
    queue: str = field(init=False)
    messages: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        session = boto3.session.Session("AKIATEST", "hidden-words", region_name="eu-west-1")
        self.sns = session.client("sns", endpoint_url=self.url)
        self._sqs = session.client("sqs", endpoint_url=self.url)
        name = f"rows-{uuid.uuid4().hex[:8]}" + (".fifo" if self.fifo else "")
        given = {"FifoTopic": "true"} if self.fifo else {}
        self.arn = self.sns.create_topic(Name=name, Attributes=given)["TopicArn"]
        made = (
            self._sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
            if self.fifo
            else self._sqs.create_queue(QueueName=name)
        )
        self.queue = made["QueueUrl"]
        told = self._sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(
            TopicArn=self.arn,
            Protocol="sqs",
            Endpoint=told["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )

    def delivery(self, rows: int, **options: Any) -> ChunkDelivery:
        given = {"topic_arn": self.arn, "credentials": "AWS", "endpoint_url": self.url} | options
        return delivery_to(destination(type="sns", name="events", uid="events-uid", **given), rows)

    def received(self) -> list[Mapping[str, Any]]:
        """Return all messages after none has arrived for a while."""
        until = time.monotonic() + _QUIET
        while time.monotonic() < until:
            found = self._sqs.receive_message(
                QueueUrl=self.queue,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                AttributeNames=["All"],
            ).get("Messages", [])
            for message in found:
                self._sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            if found:
                until = time.monotonic() + _QUIET
            self.messages += found
        return self.messages

    def rows(self) -> list[int]:
        return [json.loads(message["Body"])["row"] for message in self.received()]
