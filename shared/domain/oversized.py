"""Rows that exceed a destination's size limit. They fail the job, unless the job leaves them out.

Every kind of destination has such a limit and states it. This module does the rest.
"""

import json
from dataclasses import dataclass
from typing import Final, Literal

from shared.domain.errors import DestinationRefused

SKIP: Final = "skip"
OversizedRows = Literal["fail", "skip"]
MOST_NAMED = 1_000
"""The most rows that one delivery's record names. Further rows are only counted."""
_KEY_SHOWN = 100  # characters; a document has room for MOST_NAMED such keys


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """``most``: the bytes that ``holder`` accepts for one row, if known.

    ``remedy`` says how to raise this limit. It begins a sentence.
    """

    most: int | None
    holder: str
    remedy: str


@dataclass(frozen=True, slots=True)
class OversizedRow:
    """A row by its number within the chunk, from 0; ``size`` and ``limit`` in bytes.

    ``key``: the beginning of the row's key, if it has one. ``limit``: None if the destination does not state
    it.
    """

    row: int
    key: str | None
    size: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """The rows that are not sent to a destination: their number, and the first of them by name."""

    rows: int = 0
    named: tuple[OversizedRow, ...] = ()

    def __add__(self, more: "Skipped") -> "Skipped":
        return Skipped(self.rows + more.rows, (self.named + more.named)[:MOST_NAMED])


NONE_SKIPPED = Skipped()


class RowTooLarge(DestinationRefused):
    """A row that its destination can never accept."""

    def __init__(self, chunk: int, row: OversizedRow, limit: SizeLimit, *, detail: str = "") -> None:
        # Written as JSON writes it, without the quotes, because a key may hold control characters.
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
    """Return the row as one that is left out. Raises RowTooLarge unless the job skips such rows."""
    shown = None if key is None else key.decode(errors="replace")[:_KEY_SHOWN]
    found = OversizedRow(row, shown, size, limit.most)
    if not skip:
        raise RowTooLarge(chunk, found, limit, detail=detail)
    return Skipped(1, (found,))
