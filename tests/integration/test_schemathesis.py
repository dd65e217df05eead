"""schemathesis finds no difference between the served document and the API that serves it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.web.openapi import OF_ONE_JOB
from tests.fakes.web import KEY
from tests.integration.serving import served

pytestmark = pytest.mark.emulator

ROOT = Path(__file__).parents[2]
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")
# Per operation in fuzzing, and sequences of calls: about 10 s of one core each.
CASES = 40


def test_the_document_and_the_api_agree(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run every check in every phase, on data that the document allows and on data that it does not.

    Runs in a separate process: schemathesis brings a pytest plugin that would slow every run, and stores its
    findings in the working folder.
    """
    with served("tests.integration.schema_function", tmp_path_factory) as url:
        run = subprocess.run(  # noqa: S603 - the arguments are this test's own
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{url}/api/v1/beam/openapi.json",
                *("--url", url, "--header", f"X-API-Key: {KEY}"),
                *("--phases", ",".join(PHASES).lower(), "--checks", "all", "--mode", "all"),
                *("--seed", "1", "--max-examples", str(CASES), "--generation-deterministic"),
                *("--continue-on-failure", "--no-color", "--output-truncate", "false"),
                # These checks measure time: a busy machine must not fail the test.
                *("--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.integration.schemathesis_hooks"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout
    for phase in PHASES:
        assert f"✅ {phase}" in run.stdout, run.stdout
    covered = run.stdout.partition("API Links:")[2].split()[0]
    assert int(covered) >= len(OF_ONE_JOB), run.stdout
