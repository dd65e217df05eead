"""What a function does before its imports. Runs in a separate process, because nothing undoes it."""

import subprocess
import sys

_MODEL = """
from shared.bootstrap import cold_start

import gc
import importlib.metadata

def entry_points(**given):
    raise AssertionError("the installed packages were searched")

importlib.metadata.entry_points = entry_points
from pydantic import BaseModel

class Model(BaseModel):
    field: int

assert not gc.isenabled()
cold_start.over()
assert gc.isenabled()
"""


def test_models_are_built_without_a_search_for_plugins_and_without_collections() -> None:
    done = subprocess.run(  # noqa: S603 - what is started is above
        [sys.executable, "-c", _MODEL], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
