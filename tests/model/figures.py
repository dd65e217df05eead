"""The figures of a run of the model."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True)
class Figures:
    """``ends``: by the job's final status; ``repeats``: repeated webhook batches; ``rows``: rows at
    destinations at the end; ``seconds``: of work in one process.
    """

    seeds: list[int] = field(default_factory=list)
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    faults: int = 0
    retries: int = 0
    repeats: int = 0
    rows: int = 0

    def __iadd__(self, other: "Figures") -> Self:
        for name in ("seeds", "steps", "examples", "seconds", "ends", "calls", "faults", "retries"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.repeats += other.repeats
        self.rows += other.rows
        return self

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.ends.items()))
        return (
            f"{self.steps:,} steps in {self.examples} examples, {self.calls:,} calls to parts of which "
            f"{self.faults:,} met a fault; jobs: {ends}, {self.retries} retries; {self.seconds:.0f} s"
        )
