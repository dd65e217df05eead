"""One call in its allowed attempts: decides what to send and how long to wait, and does neither."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar, cast

from backfills.calls import Call, Reply, Request
from backfills.errors import (
    BackfillsError,
    Conflict,
    Invalid,
    KeyRefused,
    LimitReached,
    NoAnswer,
    NotFound,
    NotTheService,
    Refused,
    Unavailable,
)

T = TypeVar("T")

_REFUSALS: dict[int, type[Refused]] = {
    401: KeyRefused,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: LimitReached,
}
# With these statuses the service has recorded nothing, so any call may be repeated.
_NOTHING_DONE = frozenset({429, 503})
_PASSES = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Retries:
    """How often a call is tried, and how long it waits in between, in seconds.

    The pause doubles from ``first_pause`` to ``longest_pause``, minus a random part of up to half. If the
    service sends ``Retry-After``, the client waits that long, up to ``longest_wait``. If it is longer, the
    call fails at once, with ``retry_after`` in its error.
    """

    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 20.0
    longest_wait: float = 120.0


@dataclass(frozen=True)
class Send:
    """Send this; answer with a Reply or a Lost."""

    request: Request


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds; answer with None."""

    seconds: float


@dataclass(frozen=True)
class Lost:
    """No complete answer arrived. ``sent``: whether the service may have received the request."""

    reason: str
    sent: bool


Steps = Generator["Send | Pause", "Reply | Lost | None", T]


def tried(call: Call[T], retries: Retries, chance: Callable[[], float] = random.random) -> Steps[T]:
    """Return the call's result. Raises a BackfillsError. ``chance`` returns a number from 0 to 1."""
    number = 0
    while True:
        number += 1
        outcome = yield Send(call.request)
        if not isinstance(outcome, Reply | Lost):
            raise TypeError("Answer Send with a Reply or a Lost")
        if isinstance(outcome, Reply) and HTTPStatus.OK <= outcome.status < HTTPStatus.MULTIPLE_CHOICES:
            return _read(call, outcome)
        error = _error(outcome)
        pause = _pause(number, retries, chance) if error.retry_after is None else error.retry_after
        if number >= retries.tries or not _may_repeat(call, outcome) or pause > retries.longest_wait:
            raise error
        yield Pause(pause)


def _may_repeat(call: Call[Any], outcome: Reply | Lost) -> bool:
    if isinstance(outcome, Lost):
        return call.repeatable or not outcome.sent
    return outcome.status in _NOTHING_DONE or (call.repeatable and outcome.status in _PASSES)


def _pause(number: int, retries: Retries, chance: Callable[[], float]) -> float:
    # Limit the exponent first: 2.0**1024 raises an error.
    longest = min(retries.longest_pause, retries.first_pause * 2.0 ** min(number - 1, 60))
    return longest * (1 - chance() / 2)


def _read(call: Call[T], reply: Reply) -> T:
    try:
        return call.read(reply)
    except ValueError as error:
        raise NotTheService(
            f"The answer does not come from the service: {_start(reply)}", reply.status
        ) from error


def _error(outcome: Reply | Lost) -> BackfillsError:
    if isinstance(outcome, Lost):
        return NoAnswer(outcome.reason)
    detail, status = _detail(outcome), outcome.status
    after = retry_after(outcome.headers.get("retry-after"), datetime.now(timezone.utc))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = f"The service answered {status}: {_start(outcome)}" if detail is None else detail
        return Unavailable(said, status, after)
    if status < HTTPStatus.BAD_REQUEST or detail is None:
        return NotTheService(f"The answer {status} does not come from the service: {_start(outcome)}", status)
    return _REFUSALS.get(status, Refused)(detail, status, after)


def _detail(reply: Reply) -> Any:
    """Return the service's message, None if another server answered."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", body).get("detail") if isinstance(body, dict) else None


def _start(reply: Reply) -> str:
    text = reply.content[:200].decode("utf-8", "replace").strip()
    return " ".join("".join(each if each.isprintable() else " " for each in text).split()) or "nothing"


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the header's seconds, or those until its date; None if it has neither."""
    if value is None:
        return None
    if value.strip().isdecimal() and value.isascii():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())
