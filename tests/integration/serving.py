"""Serve a test's function with functions-framework."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack

_SECONDS = 60


@contextmanager
def served(module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL at which the module's ``handle`` answers as the API function."""
    functions = tmp_path_factory.mktemp("functions")
    (functions / "api").mkdir()
    (functions / "api" / "main.py").write_text(f"from {module} import handle\n")
    folder = tmp_path_factory.mktemp("stack")
    options = StackOptions(folder=folder, parts=frozenset({"api"}), functions_folder=functions)
    with LocalStack(options) as stack:
        yield stack.endpoints["api_url"]


def raw_answer(url: str, request: bytes) -> bytes:
    """Return everything that the server answers to these bytes until it closes the connection."""
    parts = urlsplit(url)
    answer = b""
    with socket.create_connection((parts.hostname, parts.port), timeout=_SECONDS) as connection:
        connection.sendall(request)
        while piece := connection.recv(65_536):
            answer += piece
    return answer
