"""What a check of a suite found."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Findings:
    """Figures by name, and descriptions of the faults."""

    figures: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def blame(self, figure: str, count: int, what: str) -> None:
        """Add faults to a figure, if there are any."""
        if count:
            self.figures[figure] += count
            self.faults.append(f"{what}: {figure}: {count}")

    def shown(self, names: Iterable[str]) -> dict[str, float]:
        """Return the named figures, including zeros."""
        return {name: self.figures[name] for name in names}
