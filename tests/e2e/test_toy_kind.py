"""A new kind of destination needs only a folder and an entry in the list."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.calls import call
from infra.local.options import ROOT, StackOptions
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 300
LIST = "shared/destinations/__init__.py"
LAST = "NATS)"  # of the list
IMPORT = "from shared.destinations.webhook import WEBHOOK\n"


@pytest.fixture(scope="module")
def toy_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Start a stack whose functions run a copy of the package with the additional kind."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "shared", copy / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests/e2e/toy", copy / "shared/destinations/toy")
    listed = (copy / LIST).read_text()
    assert listed.count(LAST) == listed.count(IMPORT) == 1
    added = "from shared.destinations.toy import TOY\n"
    (copy / LIST).write_text(
        listed.replace(LAST, f"{LAST.removesuffix(')')}, TOY)").replace(IMPORT, f"{added}{IMPORT}")
    )
    shutil.copytree(ROOT / "functions", copy / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    for main in (copy / "functions").glob("*/main.py"):
        # The functions' own folder precedes PYTHONPATH in the path.
        main.write_text(f"import sys\nsys.path.insert(0, {str(copy)!r})\n{main.read_text()}")
    options = StackOptions(
        folder=tmp_path_factory.mktemp("toy"), rows=1_000, functions_folder=copy / "functions"
    )
    with LocalStack(options) as stack:
        yield stack


def test_a_job_is_delivered_through_it(toy_stack: LocalStack, tmp_path: Path) -> None:
    client = Client(toy_stack.endpoints["api_url"], toy_stack.endpoints["api_key"])
    table, ids = Warehouse(toy_stack.endpoints).create_hashes("TO_FOLDERS", ROWS)
    given = {"type": "toy", "name": "files", "folder": str(tmp_path)}
    job = client.completed(client.create(table=table, destinations=[given]))
    (shown,) = job["destinations"]
    assert {name: shown[name] for name in given} == given
    assert shown["state"]["status"] == "done"
    files = list(tmp_path.glob(f"{job['job_id']}-*"))
    rows = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    assert sorted(row["unique_id"] for row in rows) == sorted(ids)


def test_its_fields_are_held_and_described_as_the_others_are(toy_stack: LocalStack) -> None:
    client = Client(toy_stack.endpoints["api_url"], toy_stack.endpoints["api_key"])
    answer = client.call(
        "POST",
        "",
        {
            "job_name": "Toy",
            "table": "base.assets.erc20_token_transfers",
            "backfill_window": {
                "partition_key": "block_timestamp",
                "start": "2026-03-01T00:00:00",
                "end": "2026-03-02T00:00:00",
            },
            "destinations": [{"type": "toy", "name": "files"}],
        },
    )
    assert answer.status == 422
    assert [fault["loc"] for fault in answer.body["detail"]] == [["body", "destinations", 0, "folder"]]
    url = f"{toy_stack.endpoints['api_url']}/api/v1/beam/openapi.json"
    schemas = call("GET", url).json()["components"]["schemas"]
    assert "folder" in schemas["ToyDestination"]["properties"]
    assert "ToyDestination" in {kind["title"] for kind in schemas["ShownDestination"]["oneOf"]}
