"""The API with fakes for all its dependencies, and an HTTP client without a network."""

import functools
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from werkzeug import Request
from werkzeug.test import Client, TestResponse

from shared.adapters.traces import PassingTracer
from shared.domain.catalog import BASE_TABLES, Catalog
from shared.domain.errors import TooOften, Unavailable
from shared.domain.organizations import Caller
from shared.domain.slices import Facts, Slice, SliceRefused
from shared.steps.kept import Kept
from shared.web.app import Api
from shared.web.models import Rules
from shared.web.openapi import document
from shared.web.routes import BACKFILLS
from tests.fakes.chunks import FakeChunks
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.jobs import FakeJobs
from tests.fakes.queue import FakeQueue
from tests.fakes.receipts import FakeReceipts

if TYPE_CHECKING:
    from shared.domain.events import Event

CHUNKS_IN_FLIGHT = 64
KEY, OTHER_KEY = "key-of-org123", "key-of-another"
CALLERS = {KEY: Caller("org123", "key-1"), OTHER_KEY: Caller("another", "key-2")}
START = datetime(2026, 4, 27, 10, 30, tzinfo=UTC)


@dataclass(slots=True)
class FakeKeys:
    """Implements the port Keys."""

    down: bool = False

    def caller(self, key: str) -> Caller | None:
        if self.down:
            raise Unavailable("the key store")
        return CALLERS.get(key)


@dataclass(slots=True)
class FakeEstimates:
    """Implements the port Estimates: one answer for every request in ``asked``."""

    answer: Facts | SliceRefused | Unavailable = field(
        default_factory=lambda: Facts(3, (), ('{"a":1}', '{"a":2}', '{"a":3}'), 1_000)
    )
    asked: list[Slice] = field(default_factory=list)

    def facts(self, wanted: Slice) -> Facts:
        self.asked.append(wanted)
        if isinstance(self.answer, Facts):
            return self.answer
        raise self.answer


@dataclass(slots=True)
class FakeRates:
    """Implements the port Rates; counts without expiry."""

    most: int = 1_000
    taken: dict[str, int] = field(default_factory=dict)

    def take(self, organization_id: str) -> None:
        if self.taken.get(organization_id, 0) >= self.most:
            raise TooOften("estimates", self.most, 42)
        self.taken[organization_id] = self.taken.get(organization_id, 0) + 1


@functools.cache
def _document(rules: Rules) -> dict[str, Any]:
    """Build the document once: it takes as long as several tests."""
    return document(rules)


class Service:
    """The API, its dependencies, and its client. Each reading of the clock is a second later."""

    def __init__(
        self,
        catalog: Catalog = BASE_TABLES,
        *,
        allow_insecure_destinations: bool = False,
        aws_role_arn: str = "",
        schema_registry: bool = False,
    ) -> None:
        self.jobs, self.keys, self.queue = FakeJobs(), FakeKeys(), FakeQueue()
        self.time = START
        self.estimates, self.rates = FakeEstimates(), FakeRates()
        self.chunks = FakeChunks(self.jobs)
        self.deliveries = FakeDeliveries(self.jobs, lease_length=15, now=self._now)
        self.events: list[Event] = []
        numbers = random.Random(7)  # noqa: S311 - reproducible ids
        rules = Rules(catalog, allow_insecure_destinations, CHUNKS_IN_FLIGHT, aws_role_arn, schema_registry)
        self.api = Api(
            keys=self.keys,
            jobs=self.jobs,
            listings=self.jobs,
            estimates=self.estimates,
            rates=self.rates,
            receipts=FakeReceipts(self.chunks, self.deliveries),
            publisher=self.queue,
            now=self._now,
            new_id=lambda: UUID(int=numbers.getrandbits(128), version=4),
            rules=rules,
            webhook_batch_rows=500,
            kept=Kept(staged_files=timedelta(days=14), markers=timedelta(days=7)),
            tracer=PassingTracer(),
            events=self.events.append,
            openapi=_document(rules),
        )
        self.client = Client(Request.application(self.api.handle))

    def _now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def call(self, method: str, path: str, key: str | None = KEY, **arguments: Any) -> TestResponse:
        headers = {"X-API-Key": key} if key else {}
        headers |= arguments.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **arguments)

    def create(self, body: Any, key: str | None = KEY) -> TestResponse:
        return self.call("POST", BACKFILLS, key, json=body)

    def created(self, body: Any = None, key: str = KEY) -> str:
        """Create a job that must be accepted; return its id."""
        answer = self.create(backfill() if body is None else body, key)
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["job_id"])

    def faults(self, body: Any) -> list[dict[str, Any]]:
        """Return the API's faults for a body that it must refuse."""
        answer = self.create(body)
        assert answer.status_code == 422, answer.text
        faults: list[dict[str, Any]] = answer.get_json()["detail"]
        assert all(fault.keys() == {"loc", "msg", "type"} for fault in faults)
        return faults


def backfill(**changes: Any) -> dict[str, Any]:
    """Return the create request of the original's documentation, with some fields changed."""
    return {
        "job_name": "USDC transfers on Base — Mar 2026",
        "table": "base.assets.erc20_token_transfers",
        "backfill_window": window(),
        "filter": {"column": "token_address", "values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"]},
        "destinations": [{"type": "kafka", "name": "base-usdc-transfers-backfill"}],
    } | changes


def window(**changes: Any) -> dict[str, Any]:
    return {
        "partition_key": "block_timestamp",
        "start": "2026-03-01T00:00:00",
        "end": "2026-04-01T00:00:00",
    } | changes


def webhook(**changes: Any) -> dict[str, Any]:
    return {"type": "webhook", "name": "hook", "url": "https://example.com/rows"} | changes
