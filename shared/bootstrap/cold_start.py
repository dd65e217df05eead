"""Disables garbage collection while a function's modules are imported. A function imports this module first.

Imports create many objects and no garbage. Garbage collection would take a sixth of a cold start's CPU time.
"""

import gc

gc.disable()


def over() -> None:
    """Enable garbage collection again after the imports, and exclude the imported objects from it."""
    gc.freeze()
    gc.enable()
