"""A stack in which every secret is a canary, with all its outputs recorded."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local import names
from infra.local.calls import call
from infra.local.endpoints import replace
from infra.local.options import StackOptions
from infra.local.ports import LOOPBACK
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Answer, Client
from tests.e2e.support.queue import Listener, Queue
from tests.fakes.otlp import Collector

# A developer's shell may set these.
_TRACING = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_TRACES_SAMPLER": ""}


@dataclass(frozen=True)
class Canary:
    """A secret that is recognizable, even after encoding; ``kept``: the places where it belongs."""

    name: str
    value: str
    kept: frozenset[str] = frozenset()

    def is_in(self, text: bytes) -> bool:
        value = self.value.encode()
        # A part of base64 whose length is a multiple of three appears whole in the base64 of any value that
        # contains it at such an offset: three shifts find it everywhere.
        shifted = [base64.b64encode(b" " * shift + value)[4:-4] for shift in range(3)]
        return any(form in text for form in (value, value.hex().encode(), *shifted))


@dataclass
class Watched:
    """The stack, its secrets, and its outputs."""

    stack: LocalStack
    collector: Collector
    canaries: list[Canary]
    listeners: dict[str, Listener]
    client: "RecordingClient"

    def sightings(self) -> list[tuple[str, str]]:
        """Return each canary with each place where it was seen, except where it belongs."""
        places = self.places()
        return [
            (canary.name, place)
            for canary in self.canaries
            for place, text in places.items()
            if place not in canary.kept and canary.is_in(text)
        ]

    def places(self) -> dict[str, bytes]:
        """Return all outputs so far."""
        return {
            **{f"logs of {path.stem}": path.read_bytes() for path in self._logs()},
            **{f"messages of {topic}": b"\n".join(found.heard()) for topic, found in self.listeners.items()},
            "Firestore": json.dumps(self.documents()).encode(),
            "API": "\n".join(self.client.heard).encode(),
            "traces": b"\n".join(self.collector.bodies),
        }

    def keep_secrets(self, **values: str) -> None:
        """Add secrets of the organization."""
        path = self.stack.layout.secrets_file
        content = json.loads(path.read_text())
        content[self.stack.endpoints["organization_id"]] |= values
        replace(path, content)

    def documents(self) -> list[dict[str, Any]]:
        """Return every document of Firestore, with names and fields, as its REST API returns them."""
        root = f"http://{self.stack.endpoints['firestore_host']}/v1"
        return list(_documents(root, f"projects/{names.PROJECT}/databases/(default)/documents"))

    def _logs(self) -> list[Path]:
        return sorted(Path(self.stack.endpoints["logs"]).glob("*.log"))


@dataclass(frozen=True)
class RecordingClient(Client):
    """Stores every answer of the API."""

    heard: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        answer = super().call(method, path, body)
        self.heard.append(f"{answer.status} {dict(answer.headers)} {json.dumps(answer.body)}")
        return answer


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Start the stack with a canary in every setting."""
    environment: dict[str, str] = dict(_TRACING)
    with Collector() as collector:
        options = StackOptions(
            folder=folder, rows=1_000, unload_file_bytes=48 * 1024, environment=environment
        )
        stack = LocalStack(options)
        planted = {
            name: secrets.token_urlsafe(24) for name in ("Kafka", "Snowflake", "registry", "collector")
        }
        endpoints = stack.endpoints
        kafka = {"bootstrap.servers": endpoints["kafka_bootstrap"], "sasl.password": planted["Kafka"]}
        environment["KAFKA_CLIENT"] = json.dumps(kafka)
        environment["SNOWFLAKE_CONNECT"] = json.dumps(
            endpoints["snowflake"] | {"password": planted["Snowflake"]}
        )
        environment["SCHEMA_REGISTRY_URL"] = f"http://{LOOPBACK}:1"  # where nobody answers
        login = {"username": "backfills", "password": planted["registry"]}
        environment["SCHEMA_REGISTRY_CREDENTIALS"] = json.dumps(login)
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.endpoint
        environment["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer {planted['collector']}"
        with stack:
            queue = Queue(stack.endpoints)
            yield Watched(
                stack,
                collector,
                [
                    *(Canary(f"password of {name}", value) for name, value in planted.items()),
                    Canary("API key", endpoints["api_key"]),
                    Canary("webhook secret", endpoints["webhook_secret"]["value"]),
                ],
                {topic: queue.listen(topic) for topic in names.SUBSCRIBERS},
                RecordingClient(endpoints["api_url"], endpoints["api_key"]),
            )


def _documents(root: str, parent: str) -> Iterator[dict[str, Any]]:
    headers = {"Authorization": "Bearer owner"}
    listed = call("POST", f"{root}/{parent}:listCollectionIds", json={}, headers=headers)
    for collection in listed.json().get("collectionIds", []):
        token = ""
        while True:
            # The list includes deleted documents that have others beneath them.
            query = f"pageSize=300&showMissing=true&pageToken={token}"
            page = call("GET", f"{root}/{parent}/{collection}?{query}", headers=headers).json()
            for document in page.get("documents", []):
                yield document
                yield from _documents(root, document["name"])
            token = page.get("nextPageToken", "")
            if not token:
                break
