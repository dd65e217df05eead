"""What the errors of Google's services mean for a delivery: what may pass, and what never will.

Their own words are for the operator alone: they may hold names that no client should read.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from shared.errors import AskedToWait, BackfillError, DestinationRefused, Unavailable

_SHOWN = 200  # characters of an error in the log
# A 403 of these reasons is about too much at once, not about a right.
_PASSING_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
_PASSING: Final = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    exceptions.RetryError,
    exceptions.Cancelled,
    exceptions.Aborted,
    # The service's own identity, not the destination's refusal.
    exceptions.Unauthorized,
    GoogleAuthError,
    RequestException,
)
Refusals = Mapping[type[Exception], str]
"""What to tell the client for an error of a class, the most exact class first."""


@contextmanager
def speaking_to(destination: str, refusals: Refusals) -> Iterator[None]:
    """Raise DestinationRefused for what never will pass, and Unavailable for what may."""
    try:
        yield
    except (exceptions.GoogleAPICallError, exceptions.RetryError, GoogleAuthError, RequestException) as error:
        # Not from the error: its text may name the session of an upload, which is a right to write.
        raise meaning(error, destination, refusals) from None


def meaning(error: Exception, destination: str, refusals: Refusals) -> BackfillError:
    """The error of this service's own; whatever is not known to be a refusal may pass."""
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        error = error.cause  # which was tried for as long as there was time
    detail = shown(error)
    if not is_passing(error):
        for kind, sentence in refusals.items():
            if isinstance(error, kind):
                return DestinationRefused(sentence, detail=detail)
    seconds = _asked(error)
    if seconds is not None:
        wish = f"{destination}, which asks to wait {seconds:.0f} s,"
        return AskedToWait(wish, seconds=seconds, detail=detail)
    return Unavailable(destination, detail=detail)


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed later, with nothing changed but time."""
    return isinstance(error, _PASSING) or reason_of(error) in _PASSING_REASONS


def reason_of(error: Exception) -> str:
    """The word by which Google's JSON interfaces tell errors of one status apart; empty without one."""
    response = getattr(error, "response", None)
    try:
        found: Any = response.json()["error"]["errors"][0]["reason"]  # type: ignore[union-attr]
    except (AttributeError, LookupError, TypeError, ValueError):
        return ""
    return str(found)


def shown(error: Exception) -> str:
    """Class and beginning of the text in printable ASCII, so that nobody forges lines of a log."""
    # Without queries of addresses: an upload's holds its session, which is a right to write.
    text = re.sub(r"\?[^\s:]*", "?", f"{type(error).__name__}: {error}")[:_SHOWN]
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _asked(error: Exception) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    text = str(headers.get("Retry-After", "")) if isinstance(headers, Mapping) else ""
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
