"""What can go wrong, as a small tree::

    BackfillsError
    ├── Refused             the service understood and said no (4xx)
    │   ├── KeyRefused      401
    │   ├── NotFound        404
    │   ├── Conflict        409
    │   ├── Invalid         422, with ``faults``
    │   └── TooManyJobs     429, with ``retry_after``
    └── OutOfReach          no usable answer, also after the tries that are allowed
        ├── NoAnswer        no connection, a broken one, or none in time
        ├── Unavailable     5xx, with ``retry_after`` if the service said when
        └── NotTheService   an answer that is not the service's: HTML, a redirect, other JSON

Each carries ``detail``: what the service said, a sentence or, for ``Invalid``, the list of faults.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request: where, for people, for programs."""

    loc: tuple[str | int, ...]
    msg: str
    type: str

    def __str__(self) -> str:
        place = ".".join(str(part) for part in self.loc if part != "body")
        return f"{place}: {self.msg}" if place else self.msg


class BackfillsError(Exception):
    """Any error of this library. ``detail``: a sentence or, of ``Invalid``, a list of faults as JSON."""

    def __init__(self, detail: Any, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(str(detail))
        self.detail = detail
        self.status = status
        self.retry_after = retry_after


class Refused(BackfillsError):
    """The service understood the call and refuses it; the same call will be refused again."""


class KeyRefused(Refused):
    """There is no API key, or the service does not know it."""


class NotFound(Refused):
    """The key's organization has no such job, or the service has no such path."""


class Conflict(Refused):
    """The job's status does not allow it, or the ``Idempotency-Key`` is another request's."""


class Invalid(Refused):
    """The request is invalid; ``faults`` are all that is wrong with it."""

    def __init__(self, detail: Any, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail, status, retry_after)
        self.faults = _faults(detail)
        self.args = ("; ".join(str(fault) for fault in self.faults),)


class TooManyJobs(Refused):
    """The organization has as many jobs in flight as it may; ask again after ``retry_after`` seconds."""


class OutOfReach(BackfillsError):
    """There is no usable answer. The call may be made again later."""


class NoAnswer(OutOfReach):
    """No connection, a connection that broke, or no answer in time."""


class Unavailable(OutOfReach):
    """The service, or something that it needs, does not work at the moment."""


class NotTheService(OutOfReach):
    """What answered is not the service: the address is wrong, or something stands in between."""


def _faults(detail: Any) -> list[Fault]:
    if not isinstance(detail, list):
        return [Fault((), str(detail), "")]
    return [_fault(entry) for entry in cast("Iterable[Any]", detail)]


def _fault(entry: Any) -> Fault:
    if not isinstance(entry, dict):
        return Fault((), str(entry), "")
    fields = cast("dict[str, Any]", entry)
    return Fault(tuple(fields.get("loc", ())), str(fields.get("msg", "")), str(fields.get("type", "")))
