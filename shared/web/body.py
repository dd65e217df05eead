"""The request's body: read bytes up to a limit, then parse JSON and reject everything ambiguous."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from werkzeug import Request

from shared.web.errors import BodyTooLarge, BodyUnreadable, Fault, Invalid, NotJson, one_fault

MOST_BODY_BYTES = 2 * 1024 * 1024
MOST_DIGITS = 38  # the limit of Snowflake's NUMBER
# A valid request has a handful of names. Validation takes 20 µs per unknown one, and 2 MiB can hold 200,000.
MOST_NAMES = 1_000

# Cloud Run's limit for one HTTP/1 request.
_MOST_DRAINED_BYTES = 32 * 1024 * 1024
_READ_BYTES = 64 * 1024
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class UnusableNumber:
    """A JSON number that parsing would change. It replaces the number, so that validation reports the error
    at the number's location.
    """

    reason: str


def read_json(request: Request) -> Any:
    """Return the body's JSON value. Raises NotJson, BodyTooLarge, BodyUnreadable or Invalid."""
    if not request.is_json:
        raise NotJson("Send the body as JSON with Content-Type: application/json")
    if request.mimetype_params.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise NotJson("Send the JSON in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise NotJson("Send the body without a content coding")
    return parse_json(read_bytes(request))


def read_bytes(request: Request) -> bytes:
    """Return the body. Read at most one byte more than the limit, whatever the declared length."""
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        while piece := request.stream.read(min(_READ_BYTES, MOST_BODY_BYTES + 1 - len(body))):
            body += piece
    except Exception as error:  # Each server has its own errors for broken framing and lost clients.
        raise BodyUnreadable("The body could not be read to its end") from error
    if len(body) > MOST_BODY_BYTES:
        raise _too_large()
    return bytes(body)


def drain(request: Request) -> None:
    """Read and discard the rest of the body in bounded memory.

    A server that closes a connection with unread data resets it, and the client never sees the response.
    """
    with suppress(Exception):  # The client may be gone, or the framing broken: nothing is left to read.
        for _ in range(_MOST_DRAINED_BYTES // _READ_BYTES):
            if not request.stream.read(_READ_BYTES):
                return


def parse_json(body: bytes) -> Any:
    """Parse JSON. Raises Invalid for other input, and for input that two parsers would read differently."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_not_json,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"The body is not UTF-8: see byte {error.start}") from error
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise _malformed(message) from error
    except RecursionError as error:
        raise _malformed("The body is nested too deeply") from error
    except _Unusable as error:
        raise _malformed(str(error)) from error
    if _SURROGATE_ESCAPE.search(body) and (faults := list(_lone_surrogates(value))):
        raise Invalid(faults)
    return value


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """The parser accepts the JSON, but the API cannot use it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_NAMES:
        raise _Unusable(f"An object of the body has more than {MOST_NAMES} fields")
    # Of two fields with one name, the parser would silently keep the second.
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add() answers None
        raise _Unusable(f"The body is ambiguous: it gives {twice!r} twice in one object")
    return found


def _not_json(constant: str) -> NoReturn:
    raise _Unusable(f"The body is not JSON: {constant} is not a JSON number")


def _integer(text: str) -> int | UnusableNumber:
    if len(text.lstrip("-")) > MOST_DIGITS:
        return UnusableNumber(f"Integers have at most {MOST_DIGITS} digits")
    return int(text)


def _float(text: str) -> float | UnusableNumber:
    number = float(text)
    if not math.isfinite(number):
        return UnusableNumber("The number is too large for a 64-bit float")
    try:
        kept = Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:
        kept = False
    if not kept:
        return UnusableNumber("The number has more digits than a 64-bit float keeps: give it as a string")
    return number


def _lone_surrogates(value: Any) -> Iterator[Fault]:
    """Yield a fault for each lone surrogate. JSON can escape them, but UTF-8 and our stores cannot hold
    them.
    """
    waiting: list[tuple[list[str | int], Any]] = [(["body"], value)]
    while waiting:
        loc, item = waiting.pop()
        if isinstance(item, dict):
            waiting += [([*loc, name], inner) for name, inner in item.items()]
            waiting += [(loc, name) for name in item]
        elif isinstance(item, list):
            waiting += [([*loc, index], inner) for index, inner in enumerate(item)]
        elif isinstance(item, str) and any("\ud800" <= character <= "\udfff" for character in item):
            yield Fault(loc=loc, msg="A lone surrogate is not a character", type="string_unicode")


def _malformed(message: str) -> Invalid:
    return one_fault(["body"], message, "json_invalid")


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body is over {MOST_BODY_BYTES} bytes")
