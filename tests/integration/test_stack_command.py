"""`make stack` says where everything is, and leaves nothing behind however it is asked to end."""

import json
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import snowflake.connector

from infra.local import environments
from infra.local.calls import call
from infra.local.options import FUNCTIONS, ROOT
from tests.integration.toy_functions import living_in, wait_until

pytestmark = pytest.mark.stack

ROWS = 1000
FIELDS = {
    "api_url",
    "api_key",
    "organization_id",
    "second_api_key",
    "webhook_secret",
    "kafka_bootstrap",
    "firestore_host",
    "pubsub_host",
    "gcs_url",
    "bucket",
    "project_id",
    "snowflake",
    "functions",
}


@contextmanager
def make_stack(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    environment = environments.base() | {"STACK_DIR": str(folder), "ROWS": str(ROWS)}
    with subprocess.Popen(
        ["make", "--silent", "stack"],  # noqa: S607 - whichever make the caller has
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        before = []
        for line in process.stdout:
            if line == "READY\n":
                break
            before.append(line)
        else:
            pytest.fail("".join(before))
        try:
            yield process
        finally:
            process.kill()


def test_the_endpoints_say_where_everything_is_and_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    with make_stack(tmp_path) as process:
        file = tmp_path / "endpoints.json"
        endpoints = json.loads(file.read_text())
        assert set(endpoints) >= FIELDS
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert set(endpoints["functions"]) == set(FUNCTIONS)
        assert call("GET", f"{endpoints['api_url']}/health").status == 200
        with snowflake.connector.connect(
            **endpoints["snowflake"], enable_server_session_keep_alive_auto_detection=False
        ) as connection:
            count = connection.cursor().execute("SELECT COUNT(*) FROM BASE.ASSETS.ERC20_TOKEN_TRANSFERS")
            assert count is not None
            assert count.fetchall() == [(ROWS,)]
        # What a terminal does: SIGINT to each process of the group in the foreground.
        for member in (*psutil.Process(process.pid).children(), psutil.Process(process.pid)):
            member.send_signal(signal.SIGINT)
        process.wait(60)
        wait_until(lambda: living_in(tmp_path) == [])
        assert not file.exists()


def test_a_stack_ends_with_the_make_that_runs_it(tmp_path: Path) -> None:
    with make_stack(tmp_path) as process:
        process.terminate()
        process.wait(60)
        wait_until(lambda: living_in(tmp_path) == [])
