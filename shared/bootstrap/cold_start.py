"""Turns garbage collection off while a function's modules are imported; a function imports this first.

Imports make many objects and no garbage. Collections among them take a sixth of a cold start's CPU time.
"""

import gc

gc.disable()


def over() -> None:
    """Turn it on again, once all is imported, and never look at what was imported."""
    gc.freeze()
    gc.enable()
