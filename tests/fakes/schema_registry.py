"""A real schema registry, Apicurio's, whose API under ``/apis/ccompat/v7`` is Confluent's."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from infra.local import registry_jars
from infra.local.ports import free_ports

_SECONDS = 120.0


@contextmanager
def schema_registry() -> Iterator[str]:
    """The root of its API. It takes ten seconds to start."""
    if not registry_jars.FOLDER.exists():
        pytest.skip("no schema registry: make test fetches it, where Maven is")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    with subprocess.Popen(  # noqa: S603 - its own
        registry_jars.command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait(url, process)
            yield url
        finally:
            process.kill()


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _SECONDS
    while True:
        assert process.poll() is None, "the schema registry has ended"
        assert time.monotonic() < until, "the schema registry does not answer"
        try:
            if urllib3.request("GET", f"{url}/subjects", timeout=5.0, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
