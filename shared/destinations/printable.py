"""Words of a stranger's server, made fit for the log."""

_SHOWN = 200  # characters


def printable(text: str) -> str:
    """The text's beginning, in printable ASCII and one line."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text[:_SHOWN])
