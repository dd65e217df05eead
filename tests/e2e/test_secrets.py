"""Secrets change while jobs run: a rotated one signs the next request, a revoked key stops working."""

import json
import os
import secrets
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import pytest

from infra.local import names
from infra.local.endpoints import replace
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client, wait_until, webhook
from tests.e2e.support.receiver import Patient, signed_with
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]


def rotate(stack: LocalStack, name: str, value: str) -> None:
    """Change the first organization's secret, like an operator in Secret Manager."""
    path = stack.layout.secrets_file
    content = json.loads(path.read_text())
    content[names.ORGANIZATION][name] = value
    replace(path, content)


def test_a_rotated_secret_signs_the_next_request_of_a_running_job(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    """Also within one chunk: the value is read before every request, however many are in flight."""
    table, ids = warehouse.create_hashes("ROTATED", 6_000)
    old, new = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    rotate(stack, "ROTATING", old)
    with Patient() as receiver:
        job_id = client.create(table=table, destinations=[webhook("rotated", receiver.url, "ROTATING")])
        # As many as are in flight at once, all unanswered.
        wait_until(lambda: len(receiver.requests) == 4, "the first requests")
        rotate(stack, "ROTATING", new)
        before = len(receiver.requests)
        receiver.may_answer.set()
        client.completed(job_id)
    signed = [[value for value in (old, new) if signed_with(value, each)] for each in receiver.requests]
    assert signed == [[old]] * before + [[new]] * (len(signed) - before)
    assert 0 < before < len(signed)
    assert sorted(row["unique_id"] for each in receiver.requests for row in json.loads(each.body)) == sorted(
        ids
    )


def operator(stack: LocalStack, *words: str) -> str:
    """Return the output of the operator's command."""
    environment = os.environ | {
        "GOOGLE_CLOUD_PROJECT": names.PROJECT,
        "FIRESTORE_EMULATOR_HOST": stack.layout.host("firestore"),
    }
    command = [sys.executable, "-m", "shared.operator", *words]
    done = subprocess.run(  # noqa: S603 - our own command
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_revoked_key_stops_working_within_a_minute(stack: LocalStack) -> None:
    key = operator(stack, "keys", "create", "initech").strip()
    client = Client(stack.endpoints["api_url"], key)
    assert client.list() == []
    [listed] = operator(stack, "keys", "list", "initech").splitlines()
    operator(stack, "keys", "revoke", listed.split()[0])
    began = time.monotonic()
    wait_until(
        lambda: client.call("GET", "").status == HTTPStatus.UNAUTHORIZED, "the key's end", seconds=60.0
    )
    assert time.monotonic() - began < 60
