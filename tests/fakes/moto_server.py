"""A server that implements Amazon's SNS, SQS and STS."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.ports import accepts, free_ports
from tests.fakes.servers import server


@contextmanager
def moto() -> Iterator[str]:
    """Start the server; yield its address."""
    (port,) = free_ports(1)
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with server("Moto", command, lambda: accepts(port)):
        yield f"http://127.0.0.1:{port}"
