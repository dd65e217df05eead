"""Webhook receivers in memory, each with its own mood, behind the product's own webhook sink."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from shared.destinations.webhook.connections import Answer
from shared.destinations.webhook.sink import WebhookLimits
from shared.domain.errors import Unavailable
from tests.fakes.rows import Row


class Mood(Enum):
    """How a receiver answers."""

    ACCEPTS = "takes the rows"
    BUSY = "takes nothing and answers 503"
    ASKS_TO_WAIT = "takes nothing and answers 429 with Retry-After"
    SILENT = "takes nothing and never answers"
    CONFUSED = "takes the rows and answers 500"
    TIRED = "takes one batch, then answers 503 for as long as a delivery tries"
    GONE = "answers 410"


_STATUS = {
    Mood.ACCEPTS: 200,
    Mood.BUSY: 503,
    Mood.ASKS_TO_WAIT: 429,
    Mood.CONFUSED: 500,
    Mood.GONE: 410,
}
_TRIES = WebhookLimits(least=0.0).tries
_WAIT = {"retry-after": "7", "Retry-After": "7"}


@dataclass(slots=True)
class Receivers:
    """``taken``: by URL, the body under each `webhook-id`. A repeated id must have the same body.

    ``asked``: by URL, its number of requests while tired.
    """

    moods: dict[str, Mood] = field(default_factory=dict)
    taken: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    repeats: int = 0

    def take(self, url: str, identifier: str, body: bytes) -> Answer:
        mood = self.moods.get(url, Mood.ACCEPTS)
        if mood is Mood.SILENT:
            raise Unavailable("the receiver")
        if mood is Mood.TIRED:
            mood = Mood.BUSY if self.asked[url] % (_TRIES + 1) else Mood.ACCEPTS
            self.asked[url] += 1
        if mood in {Mood.ACCEPTS, Mood.CONFUSED}:
            bodies = self.taken.setdefault(url, {})
            self.repeats += identifier in bodies
            assert bodies.setdefault(identifier, body) == body, "a webhook-id came with other rows"
        return Answer(_STATUS[mood], _WAIT if mood is Mood.ASKS_TO_WAIT else {}, b"")

    def rows(self, url: str) -> list[Row]:
        """Return all rows after dropping repeats by id."""
        bodies = self.taken.get(url, {})
        return [(chunk, row) for body in bodies.values() for chunk, row in json.loads(body)]


@dataclass(frozen=True, slots=True)
class Posts:
    """Stands in for Connections; ``before`` is called before each request."""

    receivers: Receivers
    before: Callable[[], None]

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        self.before()
        assert seconds > 0, "a request without time to send it"
        return self.receivers.take(url, headers["webhook-id"], body)
