"""Embeds the text of a VARIANT, OBJECT or ARRAY in a row's JSON."""

from typing import Final

import msgspec

from shared.domain import embedded

_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)  # checks the grammar, builds nothing


def embeddable(text: bytes) -> bytes:
    """Return the JSON value of ``text`` on one line, with all its digits.

    Raises ValueError for text that is not a JSON value, and RecursionError for one that is nested too deep:
    at about 1,000 levels, from Python 3.14 on where the thread's stack ends.
    """
    return embedded.embeddable(text, _VALUE.decode)
