"""How many examples a property is tried on: all of them, or few for the loop while one works."""

import os

FEW = "few"
_DEFAULT = 100


def examples(most: int = _DEFAULT) -> int:
    """``most``, or a tenth of it where the environment has ``EXAMPLES=few``."""
    return max(10, most // 10) if os.environ.get("EXAMPLES") == FEW else most
