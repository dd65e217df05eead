"""Texts of foreign servers, made safe for the log."""

_SHOWN = 200  # characters


def printable(text: str, most: int = _SHOWN) -> str:
    """Return the first ``most`` characters of the text as one line of printable ASCII."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:most])
