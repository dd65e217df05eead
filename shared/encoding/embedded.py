"""The text of a VARIANT, OBJECT or ARRAY, made fit to stand inside a row's JSON."""

import re
from typing import Final

import msgspec

_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing

# Snowflake writes an SQL NULL inside an array as `undefined`, and a float may be NaN or infinite there;
# none of these is JSON. Strings match first, so that what is written inside one stays.
_NOT_JSON: Final = re.compile(
    rb'"[^"\\]*(?:\\.[^"\\]*)*"|\bundefined\b|-?\b(?:nan|inf(?:inity)?)\b', re.IGNORECASE
)


def embeddable(text: bytes) -> bytes:
    """The JSON value of ``text`` on one line, all its digits kept.

    Raises ValueError for what is no JSON value, RecursionError for one nested some 1,000 deep.
    """
    try:
        _VALUE.decode(text)
    except msgspec.DecodeError:
        text = _NOT_JSON.sub(_null_unless_string, text)
        _VALUE.decode(text)  # its error is a ValueError
    # Between tokens a newline is only space, but it would cut the row in two.
    return text.replace(b"\n", b" ")


def _null_unless_string(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return found if found.startswith(b'"') else b"null"
