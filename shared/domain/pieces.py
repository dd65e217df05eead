"""Pieces of batches, for a receiver that refuses whole batches because of their size.

A request's id tells its receiver which rows it has seen. The same id must therefore always carry the same
rows, and the division of a batch must never change. So the service records a refusal before it sends the
smaller pieces that follow from it. Any function that continues the delivery then sends exactly those pieces.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple


class Piece(NamedTuple):
    """Consecutive rows of a chunk: the number of the first row, from 0, and the number of rows."""

    first: int
    rows: int

    @property
    def end(self) -> int:
        return self.first + self.rows

    def halves(self) -> "tuple[Piece, Piece]":
        """Return the two pieces that replace this one. It must have at least two rows."""
        half = self.rows // 2
        return Piece(self.first, self.rows - half), Piece(self.end - half, half)


class Ceiling(NamedTuple):
    """From the chunk's row ``row`` on, pieces of at least ``size`` bytes are halved without being sent."""

    row: int
    size: int


@dataclass(frozen=True, slots=True)
class Splits:
    """How a chunk's batches are divided, as far as it still matters.

    ``acknowledged``: the chunk's rows before this one are acknowledged, including those in the current batch.
    ``refused``: the pieces that the receiver found too large.
    ``ceilings``: in the order of their rows. A piece as large as one that the receiver refused is not tried
    again.
    """

    acknowledged: int = 0
    refused: frozenset[Piece] = frozenset()
    ceilings: tuple[Ceiling, ...] = ()

    def halved(self, piece: Piece, size: int) -> bool:
        """Return whether the piece, of ``size`` bytes, is sent as its halves. A single row is always sent."""
        if piece.rows == 1:
            return False
        return piece in self.refused or any(
            piece.first >= ceiling.row and size >= ceiling.size for ceiling in self.ceilings
        )

    def refuse(self, piece: Piece, size: int, unsent: int) -> "Splits":
        """Record that the receiver refused the piece of ``size`` bytes. Rows from ``unsent`` on were never
        sent.
        """
        ceilings = self.ceilings
        if not ceilings or size < ceilings[-1].size:
            # A ceiling that is replaced governs no row that was sent.
            kept = tuple(ceiling for ceiling in ceilings if ceiling.row < unsent)
            ceilings = (*kept, Ceiling(unsent, size))
        return replace(self, refused=self.refused | {piece}, ceilings=ceilings)

    def acknowledge(self, piece: Piece) -> "Splits":
        """Record that the receiver acknowledged the piece and everything before it."""
        if not self.refused and not self.ceilings:
            return self
        governing = [ceiling for ceiling in self.ceilings if ceiling.row <= piece.end]
        later = tuple(ceiling for ceiling in self.ceilings if ceiling.row > piece.end)
        return Splits(
            piece.end,
            frozenset(one for one in self.refused if one.end > piece.end),
            (*governing[-1:], *later),
        )


NOT_SPLIT = Splits()
