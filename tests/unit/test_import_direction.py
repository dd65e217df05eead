"""Arrows point inwards only: functions, bootstrap, adapters and their like, steps, domain."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted((ROOT / "functions").glob("*/main.py"))


def test_imports_within_the_product_point_inwards(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(config_filename=str(ROOT / ".importlinter"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_knows_the_bootstrap_and_no_part_that_it_wires(function: Path) -> None:
    """A function parses, calls and maps errors; what it calls, the bootstrap has built."""
    nodes = ast.walk(ast.parse(function.read_text()))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    own = {name for name in names if name.startswith("shared")}
    allowed = {"shared.bootstrap", "shared.config", "shared.errors"}
    assert {name for name in own if not name.startswith("shared.bootstrap.")} <= allowed


def test_every_function_is_looked_at() -> None:
    names = {function.parent.name for function in FUNCTIONS}
    assert names == {"api", "stage", "deliver", "dead_letter", "sweep"}
