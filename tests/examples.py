"""How many examples a test tries: all of them, or few where the environment has ``EXAMPLES=few``."""

import os

FEW = "few"
_DEFAULT = 100


def examples(most: int = _DEFAULT) -> int:
    """Return ``most``, or a tenth of it where few are wanted."""
    return max(10, most // 10) if _few() else most


def one_in(few: int) -> int:
    """Return the step of a loop that tries every case: 1, or ``few`` where few are wanted."""
    return few if _few() else 1


def _few() -> bool:
    return os.environ.get("EXAMPLES") == FEW
