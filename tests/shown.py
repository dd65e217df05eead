"""What the documentation shows: its marked blocks, and the form of what it shows."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NAMES = (
    (re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{6}Z| UTC)"), "TIME"),
)
_NUMBER = re.compile(r"\b\d+(?:[.,]\d+)*(?:e-?\d+)?\b")


def block(document: str, mark: str, language: str = r"\w+") -> str:
    """Return the text of the only fenced block below ``<!-- tested: mark -->``, in this language or any."""
    text = (ROOT / document).read_text("utf-8")
    (found,) = re.findall(rf"<!-- tested: {re.escape(mark)} -->\n```{language}\n(.*?)```", text, re.DOTALL)
    return str(found)


def masked(text: str) -> str:
    """Return the text with a word for each id and each time of the service's own."""
    for pattern, word in _NAMES:
        text = pattern.sub(word, text)
    return text


def form(text: str) -> str:
    """Return the masked text with a word for each number too, and one space for several."""
    return re.sub(" +", " ", _NUMBER.sub("NUMBER", masked(text)))
