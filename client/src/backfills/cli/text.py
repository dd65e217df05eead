"""Format text and numbers for a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import TextIO

import click

MINUTE, HOUR, DAY = 60, 3600, 86400
COLOURS = {
    "completed": "green",
    "done": "green",
    "failed": "red",
    "cancelled": "yellow",
    "transporting": "cyan",
    "delivering": "cyan",
}


def coloured(stream: TextIO) -> bool:
    """Return whether to colour the output: a terminal without NO_COLOR."""
    return drawn_on(stream) and not os.environ.get("NO_COLOR")


def drawn_on(stream: TextIO) -> bool:
    """Return whether the output can be redrawn."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str = "") -> None:
    """Print a line for people, coloured if enabled."""
    click.echo(text, color=coloured(sys.stdout))


def whisper(text: str) -> None:
    """Print a line to standard error, separate from the result."""
    click.echo(text, err=True, color=coloured(sys.stderr))


def printable(text: str) -> str:
    """Remove terminal control sequences: messages contain untrusted text."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def status(word: str) -> str:
    return click.style(printable(word), fg=COLOURS.get(word))


def width(text: str) -> int:
    """Return the number of terminal columns of the text."""
    plain = click.unstyle(text)
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in plain)


def cut(text: str, columns: int) -> str:
    """Truncate a plain text to the width."""
    if width(text) <= columns:
        return text
    while width(text) >= columns and text:
        text = text[:-1]
    return f"{text}…"


def number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def size(count: int | None) -> str:
    """Format a number of bytes, in powers of 1,000."""
    if count is None:
        return "?"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - the step between the units
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def duration(seconds: float) -> str:
    """Format a duration, rounded to the two largest units."""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def moment(value: datetime | None) -> str:
    return "" if value is None else value.strftime("%Y-%m-%d %H:%M:%S")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format columns, two spaces apart."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(width(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell + " " * (most - width(cell)) for cell, most in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
