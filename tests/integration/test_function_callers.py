"""The functions that only Google may call, as processes: they refuse strangers, and require their
settings.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.calls import call
from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack

pytestmark = pytest.mark.emulator

ROOT = Path(__file__).parents[2]
CALLED = ("stage", "deliver", "dead_letter", "sweep")
SETTINGS = {
    "GOOGLE_CLOUD_PROJECT": "project",
    "SNOWFLAKE_CONNECT": '{"account": "local"}',
    "SNOWFLAKE_STAGE": "A.B.C",
    "STAGING_BUCKET": "bucket",
    "KAFKA_CLIENT": '{"bootstrap.servers": "127.0.0.1:9"}',
}


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start functions that know who may call them."""
    settings = {
        "PUSH_AUDIENCE": "https://function.example.com",
        "PUSH_SERVICE_ACCOUNT": "push@project.iam.gserviceaccount.com",
    }
    folder = tmp_path_factory.mktemp("armed")
    with LocalStack(StackOptions(folder=folder, parts=frozenset(CALLED), environment=settings)) as stack:
        yield stack


@pytest.mark.parametrize("function", CALLED)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}], ids=["none", "basic"]
)
def test_a_call_without_googles_token_is_refused(
    armed: LocalStack, function: str, headers: dict[str, str]
) -> None:
    url = armed.endpoints["functions"][function]["url"]
    answer = call("POST", url, body=b"{}", headers=headers)
    assert (answer.status, answer.data) == (403, b"")


def test_an_estimate_is_not_given_to_whoever_asks(armed: LocalStack) -> None:
    url = armed.endpoints["functions"]["stage"]["url"]
    answer = call("POST", f"{url}/estimate", body=b"{}")
    assert (answer.status, answer.data) == (403, b"{}")


@pytest.mark.parametrize("function", CALLED)
def test_on_cloud_run_it_does_not_start_without_knowing_its_caller(function: str) -> None:
    environment = {**os.environ, **SETTINGS, "K_SERVICE": function, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "functions" / function / "main.py")]
    failed = subprocess.run(  # noqa: S603 - our own
        command, env=environment, capture_output=True, text=True, check=False
    )
    assert failed.returncode == 1
    assert "PUSH_AUDIENCE" in failed.stderr
    assert "PUSH_SERVICE_ACCOUNT" in failed.stderr
