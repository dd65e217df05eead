"""A webhook sink whose clock belongs to the test: pauses pass at once, nonces count up."""

import ssl
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.destinations.guard import Guard, system_connect, system_resolve
from shared.destinations.surroundings import Secrets
from shared.destinations.webhook.connections import Connections
from shared.destinations.webhook.sink import WebhookLimits, WebhookSink

START = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SECRETS = {("org123", "HOOK_KEY"): b"a secret of bytes \xff"}


@dataclass
class FakeTime:
    """Advances only when something sleeps."""

    passed: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed += seconds


def secret_of(organization_id: str, name: str) -> bytes:
    return SECRETS[organization_id, name]


def loopback_connections() -> Connections:
    guard = Guard(system_resolve, system_connect, insecure=True)
    return Connections(guard, user_agent="backfills-test", tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def webhook_sink(
    connections: Connections,
    time: FakeTime,
    limits: WebhookLimits | None = None,
    secrets: Secrets = secret_of,
) -> WebhookSink:
    return WebhookSink(
        connections=connections,
        secrets=secrets,
        now=time.now,
        monotonic=time.monotonic,
        sleep=time.sleep,
        nonce=lambda: str(uuid.uuid4()),
        random=lambda: 0.7,
        limits=limits or WebhookLimits(least=0.0, reserve=5.0, in_flight=1),
    )
