"""What the API refuses by itself, and the one shape that every error is answered in: ``{"detail": …}``."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import TypedDict

from shared.domain.errors import RequestRefused

# An answer of a hundred thousand faults helps nobody; a body of 2 MiB can hold more.
MOST_FAULTS = 100


class Fault(TypedDict):
    """One thing that is wrong with a request: where, for people, for programs."""

    loc: list[str | int]
    msg: str
    type: str


class WebRefusal(RequestRefused):
    """Refused before any step is asked."""

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})


class BodyUnreadable(WebRefusal):
    """The connection broke, or its framing did, before the body was complete."""

    status = 400


class KeyUnknown(WebRefusal):
    """No key, an unknown one or a revoked one: which of them is not said."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Give a valid API key in the header X-API-Key", {"WWW-Authenticate": "X-API-Key"})


class PathUnknown(WebRefusal):
    """There is nothing at this path."""

    status = 404


class MethodNotAllowed(WebRefusal):
    """The path exists for other methods."""

    status = 405

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__("This path has no such method", {"Allow": ", ".join(sorted(methods))})


class BodyTooLarge(WebRefusal):
    """Over the limit, whether declared or found while reading."""

    status = 413


class NotJson(WebRefusal):
    """The body is of another media type, charset or coding."""

    status = 415


class Invalid(RequestRefused):
    """The request can be read and says what can't be had: all faults at once."""

    status: ClassVar[int] = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The request is invalid")
        self.faults = list(faults[:MOST_FAULTS])
        if len(faults) > MOST_FAULTS:
            more = f"{len(faults) - MOST_FAULTS} more faults are not listed"
            self.faults.append(Fault(loc=[], msg=more, type="too_many_faults"))


def one_fault(loc: Sequence[str | int], message: str, kind: str) -> Invalid:
    """The refusal of a request with a single fault."""
    return Invalid([Fault(loc=list(loc), msg=message, type=kind)])


def detail_of(error: RequestRefused) -> Any:
    """What stands under ``detail``."""
    return error.faults if isinstance(error, Invalid) else error.message
