"""`python -m infra.local.receive` prints the rows that jobs of a running stack deliver."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from infra.local import environments
from infra.local.options import ROOT
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 700


@contextmanager
def receive(
    stack: LocalStack, *arguments: str, stdout: int | IO[str] = subprocess.PIPE
) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(  # noqa: S603 - the program of this checkout
        [sys.executable, "-m", "infra.local.receive", *arguments],
        cwd=ROOT,
        env=environments.base() | {"STACK_DIR": str(stack.layout.folder)},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> tuple[str, list[str]]:
    """Create a table; return its name and its rows' unique ids."""
    return warehouse.create_hashes("TO_RECEIVE", ROWS)


def ids_of(text: str) -> list[str]:
    return sorted(json.loads(line)["unique_id"] for line in text.splitlines())


def test_it_waits_for_a_topic_and_prints_its_rows(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    with receive(stack, "kafka:to-receive", "--limit", str(ROWS)) as process:
        client.create(table=name, destinations=[{"type": "kafka", "name": "to-receive"}])
        shown, told = process.communicate(timeout=120)
    assert (process.returncode, told) == (0, "")
    assert ids_of(shown) == sorted(ids)


def test_it_receives_signed_batches_at_the_address_that_it_names(
    stack: LocalStack, client: Client, table: tuple[str, list[str]], tmp_path: Path
) -> None:
    name, ids = table
    shown = tmp_path / "rows"
    secret = stack.endpoints["webhook_secret"]["name"]
    with shown.open("w") as file, receive(stack, "webhook", "--hash-key", secret, stdout=file) as process:
        assert process.stderr is not None
        told = re.fullmatch(rf"--to webhook:NAME,url=(\S+),hash_key={secret}\n", process.stderr.readline())
        assert told is not None
        receiver = {"type": "webhook", "name": "to-receive", "url": told[1], "hash_key": secret}
        client.completed(client.create(table=name, destinations=[receiver]))
        process.send_signal(signal.SIGINT)
        _, remarks = process.communicate(timeout=120)
    assert process.returncode == 130
    assert ids_of(shown.read_text()) == sorted(ids)
    batches = re.findall(r"webhook-id \S+: (\d+) rows, both signatures are valid\n", remarks)
    assert sorted(map(int, batches)) == [200, 500]
