"""Imports point only inwards: functions, bootstrap, adapters and similar, steps, domain."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted((ROOT / "functions").glob("*/main.py"))


def test_imports_within_the_product_point_inwards() -> None:
    """Run in a separate process, because the linter configures its process's logging."""
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--config", str(ROOT / ".importlinter"), "--no-cache", "--no-logo"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_knows_the_bootstrap_and_no_part_that_it_wires(function: Path) -> None:
    """A function parses, calls and maps errors; the bootstrap builds everything else."""
    nodes = ast.walk(ast.parse(function.read_text()))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    own = {name for name in names if name.startswith("shared")}
    allowed = {"shared.bootstrap", "shared.config", "shared.domain.errors"}
    assert {name for name in own if not name.startswith("shared.bootstrap.")} <= allowed


def test_the_api_loads_nothing_that_only_other_functions_need() -> None:
    """A client waits for its cold start."""
    program = "import sys, shared.bootstrap.api; print(' '.join(sys.modules))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    loaded = set(done.stdout.split())
    others = {"arro3", "confluent_kafka", "google.cloud.secretmanager", "google.cloud.storage", "msgspec"}
    others |= {
        "google.oauth2.id_token",
        "opentelemetry.exporter",
        "opentelemetry.sdk",
        "pyarrow",
        "snowflake",
    }
    assert loaded & others == set()
    assert "pydantic" in loaded


def test_every_function_is_looked_at() -> None:
    names = {function.parent.name for function in FUNCTIONS}
    assert names == {"api", "stage", "deliver", "dead_letter", "sweep"}
