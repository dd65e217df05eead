"""Rows larger than a destination takes: named one by one, and the job's failure unless it leaves them out.

Every kind of destination has such a limit. Each says what it is, and has the rest from here.
"""

import json
from dataclasses import dataclass
from typing import Final, Literal

from shared.domain.errors import DestinationRefused

SKIP: Final = "skip"
OversizedRows = Literal["fail", "skip"]
MOST_NAMED = 1_000
"""Rows that one delivery's record names; further ones are only counted."""
_KEY_SHOWN = 100  # characters, of which so many names fit a document


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """Bytes that ``holder`` takes of one row at ``most``, where that is known; ``remedy`` tells how to raise
    that, as the beginning of a sentence.
    """

    most: int | None
    holder: str
    remedy: str


@dataclass(frozen=True, slots=True)
class OversizedRow:
    """A row by its number within the chunk, from 0; ``size`` and ``limit`` in bytes.

    ``key``: the beginning of its key, where it has one. ``limit``: None where the destination does not tell.
    """

    row: int
    key: str | None
    size: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rows that a destination is not sent: how many, and the first of them by name."""

    rows: int = 0
    named: tuple[OversizedRow, ...] = ()

    def __add__(self, more: "Skipped") -> "Skipped":
        return Skipped(self.rows + more.rows, (self.named + more.named)[:MOST_NAMED])


NONE_SKIPPED = Skipped()


class RowTooLarge(DestinationRefused):
    """A row that its destination can't take, whatever is tried."""

    def __init__(self, chunk: int, row: OversizedRow, limit: SizeLimit, *, detail: str = "") -> None:
        # As JSON writes it, without the quotes: a key may hold control characters.
        key = "" if row.key is None else f" (key {json.dumps(row.key, ensure_ascii=False)[1:-1]})"
        most = "" if limit.most is None else f": {limit.most:,} bytes"
        super().__init__(
            f"Row {row.row} of chunk {chunk}{key} has {row.size:,} bytes,"
            f" more than {limit.holder} takes{most}. {limit.remedy} and retry the job,"
            " or create it anew with oversized_rows set to skip, which leaves such rows out and names them",
            detail=detail,
        )
        self.row = row


def too_large(
    chunk: int, row: int, key: bytes | None, size: int, limit: SizeLimit, *, skip: bool, detail: str = ""
) -> Skipped:
    """Answer the row as one that is left out; RowTooLarge unless the job is to ``skip`` such rows."""
    shown = None if key is None else key.decode(errors="replace")[:_KEY_SHOWN]
    found = OversizedRow(row, shown, size, limit.most)
    if not skip:
        raise RowTooLarge(chunk, found, limit, detail=detail)
    return Skipped(1, (found,))
