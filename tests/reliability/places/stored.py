"""Places that tell how much they have: topics of Kafka, buckets, streams of NATS."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from io import BytesIO
from typing import Any

import nats
import pyarrow.parquet as pq
from confluent_kafka.cimpl import NewTopic

from infra.local import kafka_rights, names, secure_kafka
from tests.e2e.support.bucket import objects_in
from tests.e2e.support.kafka import committed
from tests.reliability.places.place import SECONDS, Endpoints, Message, Place


def external_topic(name: str) -> str:
    """Return the topic of a job's external Kafka."""
    return f"{names.EXPORTS}-{name}"


class ExternalKafka(Place):
    """A topic of the broker's listener with passwords."""

    @cached_property
    def _admin(self) -> Any:
        admin = kafka_rights.administrator(self._endpoints["kafka_bootstrap"])
        topics = [
            (kind, name, "PREFIXED", operation)
            for kind, name, _, operation in kafka_rights.ONCE
            if kind == "TOPIC"
        ]
        kafka_rights.grant(admin, secure_kafka.USER, topics)
        return admin

    def create(self, name: str) -> dict[str, Any]:
        topic = external_topic(name)
        self._admin.create_topics([NewTopic(topic, 2, 1)], request_timeout=SECONDS)[topic].result(SECONDS)
        return {
            **self._endpoints["external_kafka"],
            "topic": topic,
            "sasl_mechanism": "SCRAM-SHA-512",
        }

    def arrived(self, name: str, wanted: int) -> Sequence[Message]:  # noqa: ARG002 - a topic has an end
        rows = committed(self._endpoints["kafka_bootstrap"], external_topic(name))
        return [Message(json.loads(value), {}) for _, value in rows]


class Gcs(Place):
    """A folder of the bucket. The format depends on the job's name, so that both occur."""

    def create(self, name: str) -> dict[str, Any]:
        kind = "parquet" if sum(name.encode()) % 2 else "ndjson"
        return {"bucket": self._endpoints["exports_bucket"], "prefix": f"{name}/", "format": kind}

    def arrived(self, name: str, wanted: int) -> Sequence[Message]:  # noqa: ARG002 - a bucket lists all
        objects = objects_in(self._endpoints, self._endpoints["exports_bucket"], f"{name}/")
        found: list[Message] = []
        for path, content in objects.items():
            rows = _parquet(content) if path.endswith(".parquet") else map(json.loads, content.splitlines())
            found += [Message(row, {}) for row in rows]
        return found


def _parquet(content: bytes) -> list[dict[str, Any]]:
    """Return the rows as they would be in JSON."""
    rows = pq.read_table(BytesIO(content)).to_pylist()
    return [{name.lower(): _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return int(value) if isinstance(value, Decimal) else value


class Nats(Place):
    """A subject of the stack's stream."""

    def __init__(self, endpoints: Endpoints, address: str) -> None:
        super().__init__(endpoints)
        self._address = address

    def create(self, name: str) -> dict[str, Any]:
        return {"servers": [self._address], "subject": f"{names.EXPORTS}.{name}"}

    def arrived(self, name: str, wanted: int) -> Sequence[Message]:  # noqa: ARG002 - a stream counts its messages
        return asyncio.run(_stored(self._endpoints["nats_url"], f"{names.EXPORTS}.{name}"))


async def _stored(server: str, subject: str) -> list[Message]:
    client = await nats.connect(server)
    stream = client.jetstream()
    subjects = (await stream.stream_info(names.EXPORTS, subjects_filter=subject)).state.subjects or {}
    subscription = await stream.subscribe(subject, ordered_consumer=True)
    messages = [await subscription.next_msg(SECONDS) for _ in range(subjects.get(subject, 0))]
    await client.close()
    return [Message(json.loads(message.data), message.headers or {}) for message in messages]
