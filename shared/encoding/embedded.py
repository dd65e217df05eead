"""Prepares the text of a VARIANT, OBJECT or ARRAY for embedding in a row's JSON."""

import re
from typing import Final

import msgspec

_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing

# Snowflake writes an SQL NULL inside an array as `undefined`, and a float may be NaN or infinite there; none
# of these is JSON. Strings match first, so that their content stays unchanged.
_NOT_JSON: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|\bundefined\b|-?\b(?:nan|inf(?:inity)?)\b', re.IGNORECASE
)


def embeddable(text: bytes) -> bytes:
    """Return the JSON value of ``text`` on one line, with all its digits.

    Raises ValueError for text that is not a JSON value, and RecursionError for one that is nested too deep:
    at about 1,000 levels, from Python 3.14 on where the thread's stack ends.
    """
    try:
        _VALUE.decode(text)
    except msgspec.DecodeError:
        text = _NOT_JSON.sub(_null_unless_string, text)
        _VALUE.decode(text)  # its error is a ValueError
    # A newline between tokens is only white space in JSON, but it would split the row in two.
    return text.replace(b"\n", b" ")


def _null_unless_string(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return found if found.startswith(b'"') else b"null"
