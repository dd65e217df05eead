"""The program starts fast: a command imports its dependencies when it runs."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEAVY = {"httpx", "pydantic", "yaml", "asyncio", "keyring", "rich"}


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "backfills", "--help"],
        env={"PYTHONPATH": str(ROOT / "client/src")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "click" in imported
    assert imported & HEAVY == set()


def test_it_needs_no_packages_but_those_that_were_counted() -> None:
    """More than these four would exceed the bound of docs/decisions/024-command-line.md."""
    project = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]
    names = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    assert names == {"click", "httpx", "pydantic", "pyyaml"}
