"""Servers that a test starts as processes of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.local import tether

_SECONDS = 120.0


@contextmanager
def server(name: str, command: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
    """Start a server and wait until it is ready; stop it afterwards. It also ends with the calling thread."""
    tethered = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]
    with subprocess.Popen(tethered, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - the caller's own
        try:
            until = time.monotonic() + _SECONDS
            while not ready():
                assert process.poll() is None, f"{name} has ended"
                assert time.monotonic() < until, f"{name} does not answer"
                time.sleep(0.05)
            yield
        finally:
            process.kill()
