"""Makes the imports of a function cheaper. A function imports this module first.

Imports create many objects and no garbage. Garbage collection would take a sixth of a cold start's CPU time.
Pydantic has no plugins here. To look for them, it would read the metadata of every installed package.
"""

import gc
import os

gc.disable()
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def over() -> None:
    """Enable garbage collection again after the imports, and exclude the imported objects from it."""
    gc.freeze()
    gc.enable()
