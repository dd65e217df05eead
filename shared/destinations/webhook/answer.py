"""The meaning of a receiver's response, and the wait before a retry."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from shared.destinations.printable import printable
from shared.destinations.webhook.connections import Answer
from shared.domain.errors import DestinationRefused

_PASSING_REFUSALS = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
_OBEYED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def accepts(answer: Answer, name: str) -> bool:
    """Return True for success, False for a temporary error. Raises DestinationRefused for a permanent one.

    A redirect is a permanent error: its target was never checked, and a POST would lose its body.
    """
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return True
    redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
    refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if redirect or (refusal and status not in _PASSING_REFUSALS):
        reason = "redirects are not followed" if redirect else "it will not accept these rows"
        raise DestinationRefused(
            f"The receiver of webhook {name} answered {status}: {reason}", detail=shown(answer)
        )
    return False


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Return the seconds that the receiver asks the service to wait, if the response may ask for that."""
    if answer.status not in _OBEYED:
        return None
    return _seconds(answer.headers, now)


def _seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date in the header is in GMT. With "-0000" it parses as a naive time.
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def shown(answer: Answer) -> str:
    """Return status and beginning of the body in printable ASCII, so that no receiver can forge log lines."""
    return f"{answer.status}: {printable(answer.excerpt.decode('ascii', 'replace'))}"
