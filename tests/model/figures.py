"""What a run of the model saw."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """``ends``: by the job's last status; ``seconds`` of work in one process."""

    seeds: list[int] = field(default_factory=list)
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    faults: int = 0

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {status}" for status, count in sorted(self.ends.items()))
        return (
            f"{self.steps} steps in {self.examples} examples ({self.calls} calls to parts, "
            f"{self.faults} met a fault; jobs: {ends}) in {self.seconds:.0f} s, seeds {self.seeds}"
        )
