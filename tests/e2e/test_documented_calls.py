"""The documentation's calls, run unchanged by curl."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.options import ROOT
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, wait_until
from tests.e2e.support.organizations import Organization
from tests.e2e.support.tables import Warehouse
from tests.shown import block, form

pytestmark = pytest.mark.stack

CREATE = """
curl -X POST ${API_URL}/api/v1/beam/backfills \\
  -H "X-API-Key: ${ALLIUM_API_KEY}" \\
  -H "Content-Type: application/json" \\
  -d '{
    "job_name": "USDC transfers on Base — Mar 2026",
    "table": "base.assets.erc20_token_transfers",
    "backfill_window": {
      "partition_key": "block_timestamp",
      "start": "2026-03-01T00:00:00",
      "end": "2026-04-01T00:00:00"
    },
    "filter": {
      "column": "token_address",
      "values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"]
    },
    "destinations": [
      { "type": "kafka", "name": "base-usdc-transfers-backfill" }
    ]
  }'
"""
LIST = """
curl -X GET ${API_URL}/api/v1/beam/backfills \\
  -H "X-API-Key: ${ALLIUM_API_KEY}"
"""
LIST_WITHOUT_KEY = """
curl --request GET \\
  --url ${API_URL}/api/v1/beam/backfills
"""
UUID4 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "reader")


def run(script: str, organization: Organization, *options: str) -> str:
    """Return the script's standard output; curl gets ``options`` too."""
    client = organization.client
    environment = os.environ | {"API_URL": client.api_url, "ALLIUM_API_KEY": client.api_key}
    command = script.replace("curl ", f"curl --silent --show-error {' '.join(options)} ")
    return bash(command, environment, ROOT)


def bash(script: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603 - the documentation's own lines
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - whichever the reader has
        env=environment | {"no_proxy": "127.0.0.1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def values(text: str) -> list[Any]:
    """Parse consecutive JSON values."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_the_create_call_answers_201_with_both_ids_and_the_jobs_location(
    organization: Organization, warehouse: Warehouse
) -> None:
    with warehouse.slow_unloads(60):
        head, _, body = run(CREATE, organization, "--include").replace("\r", "").partition("\n\n")
        created = json.loads(body)
        assert organization.client.cancel(created["job_id"]).status == 200
    assert head.startswith("HTTP/1.1 201 ")
    assert list(created) == ["job_id", "workflow_id"]
    assert UUID4.fullmatch(created["job_id"])
    assert created["workflow_id"] == f"beam-backfill-{organization.name}-{created['job_id']}"
    assert f"\nlocation: /api/v1/beam/backfills/{created['job_id']}\n" in f"{head.lower()}\n"


def test_the_list_call_answers_the_documented_fields_and_no_others(organization: Organization) -> None:
    (created,) = values(run(CREATE, organization))
    organization.client.completed(created["job_id"])
    ((job,),) = values(run(LIST, organization))
    uid = job["destinations"][0]["uid"]
    chunks = job["num_chunks"]
    times = job.pop("time_created"), job.pop("time_completed")
    assert job == {
        "job_id": created["job_id"],
        "workflow_id": created["workflow_id"],
        "organization_id": organization.name,
        "status": "completed",
        "job_name": "USDC transfers on Base — Mar 2026",
        "table": "base.assets.erc20_token_transfers",
        "partition_key": "block_timestamp",
        "backfill_start": "2026-03-01T00:00:00",
        "backfill_end": "2026-04-01T00:00:00",
        "filter_column": "token_address",
        "filter_values": ["0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"],
        "destinations": [{"type": "kafka", "name": "base-usdc-transfers-backfill", "uid": uid}],
        "static_egress_ip": False,
        "num_chunks": chunks,
        "chunks_left": 0,
        "error_message": None,
    }
    assert isinstance(uid, str)
    assert isinstance(chunks, int)
    assert chunks > 1
    assert all(MOMENT.fullmatch(time) for time in times)
    assert datetime.fromisoformat(times[0]) < datetime.fromisoformat(times[1])


def test_a_job_that_stages_has_null_where_nothing_is_known_yet(
    organization: Organization, warehouse: Warehouse
) -> None:
    with warehouse.slow_unloads(60):
        (created,) = values(run(CREATE, organization))
        ((job,),) = values(run(LIST, organization))
        assert organization.client.cancel(created["job_id"]).status == 200
    unknown = {name for name, value in job.items() if value is None}
    assert job["status"] == "staging"
    assert unknown == {"num_chunks", "chunks_left", "error_message", "time_completed"}


def test_the_list_call_without_a_key_is_refused_in_the_one_shape_of_errors(
    organization: Organization,
) -> None:
    answer = run(LIST_WITHOUT_KEY, organization, "--write-out", "%{http_code}")
    body, status = values(answer)
    assert status == 401
    assert set(body) == {"detail"}


def test_the_lines_that_tell_a_jobs_story_do(stack: LocalStack, tmp_path: Path) -> None:
    client = Client(stack.endpoints["api_url"], stack.endpoints["api_key"])
    (tmp_path / ".stack").symlink_to(stack.layout.folder)
    created, _ = values(bash(block("README.md", "curl"), dict(os.environ), tmp_path))
    job = client.completed(created["job_id"])
    environment = os.environ | {"JOB_ID": job["job_id"]}

    def story() -> list[str]:
        return bash(block("docs/observability.md", "story"), environment, tmp_path).splitlines()

    def delivered() -> int:
        return sum("chunk delivered" in line for line in story())

    wait_until(lambda: delivered() >= job["num_chunks"], "every chunk's delivery in the log")
    wait_until(lambda: any("unload ended" in line for line in story()), "the unload's end in the log")
    assert delivered() == job["num_chunks"]
    told = story()
    assert "job created" in told[0]
    assert told == sorted(told)


def terminal(script: str, environment: dict[str, str], folder: Path) -> str:
    """Run the script on a terminal. Return the lines that are there at its end, without colours."""
    ours, theirs = pty.openpty()
    command = ["bash", "-euo", "pipefail", "-c", script]
    plain = {"TERM": "xterm", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "no_proxy": "127.0.0.1"}
    with subprocess.Popen(  # noqa: S603 - the documentation's own lines
        command, env=environment | plain, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        with suppress(OSError):  # the last process has closed its end
            while part := os.read(ours, 65_536):
                printed += part
        os.close(ours)
    assert process.returncode == 0, printed.decode()
    lines: list[str] = []
    for line in printed.decode().splitlines():
        if drawn := re.match(r"\x1b\[(\d+)A", line):
            del lines[-int(drawn[1]) :]
        lines.append(re.sub(r"\x1b\[\d*[AJK]", "", line))
    return "\n".join(lines) + "\n"


def test_the_readmes_first_lines_create_a_job_and_print_what_is_shown(
    stack: LocalStack, tmp_path: Path
) -> None:
    (tmp_path / ".stack").symlink_to(stack.layout.folder)
    program = tmp_path / "bin" / "backfills"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/client/src exec {sys.executable} -m backfills "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    printed = terminal(block("README.md", "first"), environment, tmp_path)
    begin, end = (form(part) for part in block("README.md", "printed").split("  …\n"))
    assert form(printed)[: len(begin)] == begin
    assert form(printed)[-len(end) :] == end
    job_id, *_ = printed.splitlines()
    client = Client(stack.endpoints["api_url"], stack.endpoints["api_key"])
    job = client.get(job_id)
    assert job["status"] == "completed"
    rows = f"{job['progress']['rows_total']:,}"
    assert f"{rows} of {rows} rows, " in printed
    assert f"kafka base-usdc-transfers: done, {rows} rows" in printed
    assert "The receipt balances" in printed
    assert_documented(client, job)


def assert_documented(client: Client, job: dict[str, Any]) -> None:
    """Compare the answers about a job with those that docs/api.md shows, which has two destinations."""
    shown = json.loads(block("docs/api.md", "job"))
    assert list(job) == list(shown)
    assert kinds(job["destinations"][0]) == kinds(shown["destinations"][0])
    receipt = json.loads(block("docs/api.md", "receipt"))
    receipt["destinations"].pop()
    assert kinds(client.call("GET", f"/{job['job_id']}/receipt").body) == kinds(receipt)


def kinds(value: Any) -> Any:
    """Return a JSON value's fields in their order, each with the kind of its value."""
    if isinstance(value, dict):
        return [(name, kinds(inner)) for name, inner in value.items()]
    return [kinds(inner) for inner in value] if isinstance(value, list) else type(value)


def test_the_readmes_lines_work_in_a_folder_with_a_running_stack(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / ".stack").symlink_to(stack.layout.folder)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    lines = block("README.md", "curl") + block("README.md", "follow")
    created, jobs, job, row = values(bash(lines, dict(os.environ), tmp_path))
    assert created["job_id"] == job["job_id"] in {one["job_id"] for one in jobs}
    assert job["progress"].keys() == {"chunks_done", "chunks_total", "rows_done", "rows_total"}
    assert row["token_address"] == job["filter_values"][0]
    assert list(row) == list(json.loads(block("README.md", "row")))
    client = Client(stack.endpoints["api_url"], stack.endpoints["api_key"])
    assert client.completed(created["job_id"])["chunks_left"] == 0
