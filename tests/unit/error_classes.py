"""The product's error classes by name, from all modules, without importing them."""

import re
from pathlib import Path

_SHARED = Path(__file__).parents[2] / "shared"
_CLASS = re.compile(r"^class (\w+)\((\w+)\):", re.MULTILINE)


def below(*bases: str) -> set[str]:
    """Return the classes derived from one of the bases, directly or not."""
    parents = dict(pair for file in _SHARED.rglob("*.py") for pair in _CLASS.findall(file.read_text()))
    found: set[str] = set()
    while more := {name for name, parent in parents.items() if parent in found | set(bases)} - found:
        found |= more
    return found
