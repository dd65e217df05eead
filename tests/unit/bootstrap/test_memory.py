"""Reused freed memory costs no page faults. Runs in a separate process, because nothing undoes the
setting.
"""

import subprocess
import sys

import pytest

_COUNT = """
import resource
from shared.bootstrap.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(200):
        text = bytes(500_000)
        two = (text + b"x", text + b"y")
        del text, two
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()  # glibc's own thresholds move with the first blocks that are freed
print(faults(), keep_freed_memory(), faults(), faults())
"""


def test_a_batch_takes_the_memory_of_the_one_before() -> None:
    done = subprocess.run(  # noqa: S603 - what is started is above
        [sys.executable, "-c", _COUNT], check=True, capture_output=True, text=True, timeout=60
    )
    before, fulfilled, _first, after = done.stdout.split()
    if fulfilled == "False":
        pytest.skip("this C library has no mallopt, so there is nothing to set")
    assert int(before) > 10_000
    assert int(after) < 200
