"""Errors, as a small tree::

    BackfillsError
    ├── Refused             the service refused the request (4xx)
    │   ├── KeyRefused      401
    │   ├── NotFound        404
    │   ├── Conflict        409
    │   ├── Invalid         422, with ``faults``
    │   └── LimitReached    429, with ``retry_after``
    └── OutOfReach          no usable answer, even after the allowed retries
        ├── NoAnswer        no connection, a broken one, or a timeout
        ├── Unavailable     5xx, with ``retry_after`` if the service sent it
        └── NotTheService   another server's answer: HTML, a redirect, other JSON

Each carries ``detail``: the service's message or, for ``Invalid``, the list of faults. ``TooManyJobs`` is the
deprecated name of ``LimitReached``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast


@dataclass(frozen=True)
class Fault:
    """One fault of a request: its place, its text, its code."""

    loc: tuple[str | int, ...]
    msg: str
    type: str

    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.loc if part != "body")
        return f"{place}: {self.msg}" if place else self.msg


class BackfillsError(Exception):
    """Base of this library's errors. ``detail``: a message or, for ``Invalid``, a list of faults as JSON."""

    def __init__(self, detail: Any, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


class Refused(BackfillsError):
    """The service understood the call and refuses it; the same call will be refused again."""


class KeyRefused(Refused):
    """The API key is missing or unknown."""


class NotFound(Refused):
    """The key's organization has no such job, or the service has no such path."""


class Conflict(Refused):
    """The job's status does not allow the action, or another request used the ``Idempotency-Key``."""


class Invalid(Refused):
    """The request is invalid; ``faults`` lists everything wrong with it."""

    def __init__(self, detail: Any, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail, status, retry_after)
        self.faults = _faults(detail)
        self.args = ("; ".join(str(fault) for fault in self.faults),)


class LimitReached(Refused):
    """The organization has reached its limit of jobs that have not ended, or of estimates in a minute.

    Try again after ``retry_after`` seconds.
    """


class OutOfReach(BackfillsError):
    """There is no usable answer. You may repeat the call later."""


class NoAnswer(OutOfReach):
    """No connection, a broken connection, or a timeout."""


class Unavailable(OutOfReach):
    """The service, or one of its dependencies, is currently unavailable."""


class NotTheService(OutOfReach):
    """Another server answered: the address is wrong, or a proxy is in between."""


if TYPE_CHECKING:
    TooManyJobs = LimitReached
else:

    def __getattr__(name: str) -> Any:
        """Return the class that a deprecated name means."""
        if name != "TooManyJobs":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn("TooManyJobs is deprecated: use LimitReached", DeprecationWarning, stacklevel=2)
        return LimitReached


def _faults(detail: Any) -> list[Fault]:
    if not isinstance(detail, list):
        return [Fault((), str(detail), "")]
    return [_fault(entry) for entry in cast("Iterable[Any]", detail)]


def _fault(entry: Any) -> Fault:
    if not isinstance(entry, dict):
        return Fault((), str(entry), "")
    fields = cast("dict[str, Any]", entry)
    return Fault(tuple(fields.get("loc", ())), str(fields.get("msg", "")), str(fields.get("type", "")))
