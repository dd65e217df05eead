"""A server that implements Amazon's SNS, SQS and STS."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ports import accepts, free_ports

_SECONDS = 60.0


@contextmanager
def moto() -> Iterator[str]:
    """Start the server; yield its address."""
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - its own
        until = time.monotonic() + _SECONDS
        while not accepts(port):
            assert process.poll() is None, "moto's server has ended"
            assert time.monotonic() < until, "moto's server does not answer"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
