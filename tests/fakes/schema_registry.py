"""A real schema registry, Apicurio's, whose API under ``/apis/ccompat/v7`` is Confluent's."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3

from infra.local import registry_jars
from infra.local.calls import call
from infra.local.ports import free_ports
from tests.fakes.servers import server


@contextmanager
def schema_registry() -> Iterator[str]:
    """The root of its API. It takes ten seconds to start."""
    if not registry_jars.FOLDER.exists():
        pytest.skip("no schema registry: make test fetches it, where Maven is")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    with server("the schema registry", registry_jars.command(port), lambda: _answers(url)):
        yield url


def _answers(url: str) -> bool:
    try:
        return call("GET", f"{url}/subjects", timeout=5.0, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
