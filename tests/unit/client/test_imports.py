"""The client is a separate package: it and the service do not import each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SERVICE = {"bench", "functions", "infra", "shared", "tests"}


def imported(folder: str) -> set[str]:
    """Return the top-level name of everything imported below the folder."""
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | named}


def test_the_client_imports_nothing_of_the_service() -> None:
    assert imported("client/src") & SERVICE == set()


@pytest.mark.parametrize("folder", ["shared", "functions"])
def test_the_service_imports_nothing_of_the_client(folder: str) -> None:
    assert "backfills" not in imported(folder)
