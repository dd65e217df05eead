"""Reads all rows that arrived at the additional kinds of destination."""

import asyncio
import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import quote

import urllib3

from infra.local.calls import call
from infra.local.resources import amazon

_QUIET = 10  # after this many seconds without a message, a queue counts as empty
_FOR_ALL_OF_MOTO = 120
_LABELS = ("beam-job-id", "beam-chunk", "beam-row")

Row = tuple[tuple[str, ...] | None, bytes]
"""A row's identifying labels, if it may be repeated, and its JSON."""


@dataclass(frozen=True)
class Arrivals:
    """``fields``: the destination's fields except type and name; ``read``: reads all rows that arrived."""

    kind: str
    fields: Mapping[str, Any]
    read: Callable[[], Iterator[Row]]


def of(kind: str, endpoints: Mapping[str, Any]) -> Arrivals:
    """Return the arrivals for a kind that ``check_kafka`` and ``check_webhook`` do not cover."""
    makers = {"gcs": _gcs, "pubsub": _pubsub, "nats": _nats, "sns": _sns}
    return makers[kind](endpoints)


def _gcs(endpoints: Mapping[str, Any]) -> Arrivals:
    bucket, prefix = endpoints["exports_bucket"], "demo/"
    objects = f"{endpoints['gcs_url']}/storage/v1/b/{bucket}/o"

    def read() -> Iterator[Row]:
        http = urllib3.PoolManager()
        listed = http.request("GET", objects, fields={"prefix": prefix}).json()
        for item in listed.get("items", []):
            content = http.request("GET", f"{objects}/{quote(item['name'], safe='')}?alt=media").data
            for line in content.splitlines():
                yield None, line

    return Arrivals("gcs", {"bucket": bucket, "prefix": prefix, "format": "ndjson"}, read)


def _pubsub(endpoints: Mapping[str, Any]) -> Arrivals:
    topic: str = endpoints["exports_topic"]
    subscription = topic.replace("/topics/", "/subscriptions/")
    url = f"http://{endpoints['pubsub_host']}/v1/{subscription}"

    def read() -> Iterator[Row]:
        http = urllib3.PoolManager(timeout=_QUIET)
        while True:
            asked = {"maxMessages": 1_000, "returnImmediately": True}
            found = http.request("POST", f"{url}:pull", json=asked).json().get("receivedMessages")
            if not found:
                return
            ids = {"ackIds": [one["ackId"] for one in found]}
            http.request("POST", f"{url}:acknowledge", json=ids)
            for one in found:
                message = one["message"]
                yield _named(message["attributes"]), base64.b64decode(message["data"])

    return Arrivals("pubsub", {"topic": topic}, read)


def _sns(endpoints: Mapping[str, Any]) -> Arrivals:
    """Return the arrivals at a topic without subscribers.

    Moto's queues take seconds for each request once they hold some thousand messages. Its topics do not, and
    Moto tells which messages they sent.
    """
    aws = endpoints["aws"]
    topic = amazon(aws["url"], "sns").create_topic(Name="demo")["TopicArn"]

    def read() -> Iterator[Row]:
        # Moto writes all that it holds, which takes seconds for tens of thousands of messages.
        answer = call("GET", f"{aws['url']}/moto-api/data.json", timeout=_FOR_ALL_OF_MOTO, retries=False)
        kept = answer.json()["sns"]["Topic"]
        # Creating the topic again leaves further objects with its name, which sent nothing.
        sent = (one["sent_notifications"] for one in kept if one["arn"] == topic)
        for _, message, _, attributes, _ in chain.from_iterable(sent):
            yield _named({name: one["Value"] for name, one in attributes.items()}), message.encode()

    fields = {"topic_arn": topic, "credentials": aws["credentials"], "endpoint_url": aws["url"]}
    return Arrivals("sns", fields, read)


def _nats(endpoints: Mapping[str, Any]) -> Arrivals:
    server, subject = endpoints["nats_url"], endpoints["nats_subject"]

    def read() -> Iterator[Row]:
        yield from asyncio.run(_stored(server, subject))

    return Arrivals("nats", {"servers": [server], "subject": subject}, read)


async def _stored(server: str, subject: str) -> list[Row]:
    import nats

    client = await nats.connect(server)
    stream = client.jetstream()
    name = await stream.find_stream_name_by_subject(subject)
    count = (await stream.stream_info(name)).state.messages
    subscription = await stream.subscribe(subject, ordered_consumer=True)
    messages = [await subscription.next_msg(_QUIET) for _ in range(count)]
    await client.close()
    return [(_named(message.headers or {}), message.data) for message in messages]


def _named(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels[name] for name in _LABELS)
