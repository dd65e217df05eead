"""Pieces of batches, for a receiver that does not take whole ones.

A request's id tells its receiver which rows it has seen, so the same rows must always come under the same
id: the pieces of a batch are decided once. A refusal is therefore recorded before the smaller pieces that
follow from it are sent, and whoever goes on with the delivery sends exactly those.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple


class Piece(NamedTuple):
    """Consecutive rows of a chunk: the number of the first, from 0, and how many."""

    first: int
    rows: int

    @property
    def end(self) -> int:
        return self.first + self.rows

    def halves(self) -> "tuple[Piece, Piece]":
        """The two pieces that are sent in its place; only of two rows and more."""
        half = self.rows // 2
        return Piece(self.first, self.rows - half), Piece(self.end - half, half)


class Ceiling(NamedTuple):
    """From the chunk's row ``row`` on, pieces of ``size`` bytes and more are halved without being sent."""

    row: int
    size: int


@dataclass(frozen=True, slots=True)
class Splits:
    """How a chunk's batches are cut, as far as that still matters.

    ``acknowledged``: rows of the chunk before this one are acknowledged, in the batch that is under way too.
    ``refused``: pieces that the receiver found too large. ``ceilings``: in the order of their rows; what a
    receiver refused once it is not asked again.
    """

    acknowledged: int = 0
    refused: frozenset[Piece] = frozenset()
    ceilings: tuple[Ceiling, ...] = ()

    def halved(self, piece: Piece, size: int) -> bool:
        """Whether the piece, of ``size`` bytes, is sent as its halves. One row is always sent."""
        if piece.rows == 1:
            return False
        return piece in self.refused or any(
            piece.first >= ceiling.row and size >= ceiling.size for ceiling in self.ceilings
        )

    def refuse(self, piece: Piece, size: int, unsent: int) -> "Splits":
        """After the receiver refused the piece of ``size`` bytes; rows from ``unsent`` on were never sent."""
        ceilings = self.ceilings
        if not ceilings or size < ceilings[-1].size:
            # One that is replaced governs no row that was sent.
            kept = tuple(ceiling for ceiling in ceilings if ceiling.row < unsent)
            ceilings = (*kept, Ceiling(unsent, size))
        return replace(self, refused=self.refused | {piece}, ceilings=ceilings)

    def acknowledge(self, piece: Piece) -> "Splits":
        """After the piece, and all before it, are acknowledged."""
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
