"""Prepares the text of a VARIANT, OBJECT or ARRAY for embedding in a row's JSON."""

import re
from collections.abc import Callable
from typing import Final

# Snowflake writes an SQL NULL inside an array as `undefined`, and a float may be NaN or infinite there; none
# of these is JSON. Strings match first, so that their content stays unchanged.
_NOT_JSON: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|\bundefined\b|-?\b(?:nan|inf(?:inity)?)\b', re.IGNORECASE
)


def embeddable(text: bytes, check: Callable[[bytes], object]) -> bytes:
    """Return the JSON value of ``text`` on one line, with all its digits.

    ``check`` raises ValueError for text that is not one JSON value, and RecursionError for one that is nested
    too deep.
    """
    try:
        check(text)
    except ValueError:
        text = _NOT_JSON.sub(_null_unless_string, text)
        check(text)
    # A newline between tokens is only white space in JSON, but it would split the row in two.
    return text.replace(b"\n", b" ")


def _null_unless_string(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return found if found.startswith(b'"') else b"null"
