"""A measurement's result: the median of its rounds, and their range."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio or a measure over all rounds."""

    median: float
    min: float
    max: float

    def as_json(self) -> dict[str, float]:
        return {"median": self.median, "min": self.min, "max": self.max}


def figure(values: Iterable[float]) -> Figure:
    """Build a figure. Raises ValueError if nothing was measured."""
    found = list(values)
    if not found:
        raise ValueError("nothing was measured")
    return Figure(statistics.median(found), min(found), max(found))


def ratio(over: Sequence[Mapping[str, float]], under: Sequence[Mapping[str, float]], measure: str) -> Figure:
    """Return a measure's ratios, each of two runs of one round, so that a slow round affects both."""
    return figure(one[measure] / other[measure] for one, other in zip(over, under, strict=True))
