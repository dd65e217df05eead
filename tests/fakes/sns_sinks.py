"""Sinks of topics at a stand-in of Amazon, and what a reader finds in their queues."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3

from infra.local import amazon, names
from shared.destination import Destination
from shared.destinations import destination
from shared.destinations.sns.access import Accesses
from shared.destinations.sns.clients import Clients
from shared.destinations.sns.sink import SnsLimits, SnsSink

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef as Message

KEYS = {"access_key_id": "AKIALOCALEXAMPLE", "secret_access_key": "canary-of-the-secret-key"}
ROLE = f"arn:aws:iam::{names.AWS_ACCOUNT}:role/publisher"


@dataclass
class Vault:
    """Secrets of any organization, which may be changed."""

    values: dict[str, bytes] = field(default_factory=lambda: {"AWS_KEYS": json.dumps(KEYS).encode()})

    def __call__(self, _organization_id: str, name: str) -> bytes:
        return self.values[name]

    def put(self, name: str = "AWS_KEYS", **fields: str) -> None:
        self.values[name] = json.dumps(fields).encode()


def now() -> datetime:
    return datetime.now(UTC)


def sns_sink(
    secrets: Callable[[str, str], bytes] | None = None,
    *,
    own_role: str = "",
    insecure: bool = True,
    now: Callable[[], datetime] = now,
    pauses: list[float] | None = None,
    **limits: Any,
) -> SnsSink:
    """A sink whose pauses are noted in place of being slept."""
    noted, passed = [] if pauses is None else pauses, 0.0

    def sleep(seconds: float) -> None:
        nonlocal passed
        noted.append(seconds)
        passed += seconds

    chosen = SnsLimits(**{"least": 0.0, "reserve": 5.0, "checkpoint": 0.0, **limits})
    return SnsSink(
        accesses=Accesses(
            Clients(connections=chosen.in_flight, seconds=chosen.request),
            secrets=secrets or Vault(),
            identity_token=lambda audience: f"token-for-{audience}",
            own_role=own_role,
            now=now,
            insecure=insecure,
        ),
        monotonic=lambda: time.monotonic() + passed,
        sleep=sleep,
        random=lambda: 0.7,
        limits=chosen,
    )


def sns_destination(url: str, topic: str = "rows", credentials: str | None = "AWS_KEYS") -> Destination:
    return destination(
        type="sns",
        name="topic",
        uid=str(uuid.uuid4()),
        topic_arn=topic if topic.startswith("arn:") else amazon.topic_arn(topic),
        credentials=credentials,
        endpoint_url=url,
    )


def new_topic(url: str, *, fifo: bool = False) -> str:
    """The name of a topic, and of a queue that gets its messages."""
    name = f"rows-{uuid.uuid4().hex[:8]}" + (".fifo" if fifo else "")
    amazon.create_topic(url, name)
    return name


class Queue:
    """Reads a topic's queue; whatever it has read stays read."""

    def __init__(self, url: str, topic: str) -> None:
        self._url = amazon.queue_url(url, topic)
        self._client: SQSClient = boto3.client(
            "sqs",
            region_name=names.AWS_REGION,
            endpoint_url=url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        self.messages: list[Message] = []

    def read(self) -> "list[Message]":
        while found := self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        ).get("Messages", []):
            self.messages += found
            self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(found)
                ],
            )
        return self.messages

    def rows(self) -> list[int]:
        return [json.loads(message["Body"])["row"] for message in self.read()]

    def labels(self) -> list[Mapping[str, str]]:
        return [
            {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
            for message in self.read()
        ]
