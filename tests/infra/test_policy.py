"""A scanner's findings in the configuration: only those that are waived with a reason."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.offline.setup import POLICY


@pytest.fixture(scope="module")
def findings(configuration: Path) -> Any:
    """Return the scanner's report on prod, without network access."""
    options = ["--framework", "terraform", "--skip-download", "--download-external-modules", "false"]
    output = ["--output", "json", "--compact"]
    values = ["--var-file", "environments/prod.tfvars"]
    done = subprocess.run(
        [POLICY / "bin/python", "-m", "checkov.main", "-d", ".", *options, *output, *values],
        cwd=configuration,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_the_scanner_finds_nothing_that_is_not_waived(findings: Any) -> None:
    assert findings["summary"]["passed"] > 100
    assert findings["summary"]["parsing_errors"] == 0
    failed = [
        f"{one['check_id']} {one['resource']}: {one['check_name']}"
        for one in findings["results"]["failed_checks"]
    ]
    assert failed == []


def test_each_waiver_has_a_reason_and_a_finding(configuration: Path, findings: Any) -> None:
    waived = {
        line.strip()
        for file in configuration.rglob("*.tf")
        for line in file.read_text().splitlines()
        if "checkov:skip" in line
    }
    used = {
        f"#checkov:skip={one['check_id']}:{one['check_result']['suppress_comment']}"
        for one in findings["results"]["skipped_checks"]
    }
    assert waived == used
    assert all(len(line.rsplit(":", maxsplit=1)[1]) > 30 for line in waived)
