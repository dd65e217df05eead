"""The API's own refusals, and the one shape of all error responses: ``{"detail": …}``."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import TypedDict

from shared.domain.errors import RequestRefused

# A response with a hundred thousand faults is useless, and a body of 2 MiB can contain more.
MOST_FAULTS = 100


class Fault(TypedDict):
    """One fault of a request: its location, a text for people, and a type for programs."""

    loc: list[str | int]
    msg: str
    type: str


class WebRefusal(RequestRefused):
    """The API refuses the request before it calls any step."""

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})


class BodyUnreadable(WebRefusal):
    """The connection or its framing broke before the body was complete."""

    status = 400


class KeyUnknown(WebRefusal):
    """The key is missing, unknown or revoked. The response does not say which."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Give a valid API key in the header X-API-Key", {"WWW-Authenticate": "X-API-Key"})


class PathUnknown(WebRefusal):
    """The path does not exist."""

    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing at this path")


class MethodNotAllowed(WebRefusal):
    """The path exists for other methods."""

    status = 405

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__("This path has no such method", {"Allow": ", ".join(sorted(methods))})


class BodyTooLarge(WebRefusal):
    """The body exceeds the limit, as declared or as found while reading."""

    status = 413


class NotJson(WebRefusal):
    """The body has another media type, charset or content coding."""

    status = 415


class Invalid(RequestRefused):
    """The request can be parsed but is invalid. The error lists all faults at once."""

    status: ClassVar[int] = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("The request is invalid")
        self.faults = list(faults[:MOST_FAULTS])
        if len(faults) > MOST_FAULTS:
            more = f"{len(faults) - MOST_FAULTS} more faults are not listed"
            self.faults.append(Fault(loc=[], msg=more, type="too_many_faults"))


def one_fault(loc: Sequence[str | int], message: str, kind: str) -> Invalid:
    """Return the refusal of a request with a single fault."""
    return Invalid([Fault(loc=list(loc), msg=message, type=kind)])


def detail_of(error: RequestRefused) -> Any:
    """Return the content of ``detail``."""
    return error.faults if isinstance(error, Invalid) else error.message
