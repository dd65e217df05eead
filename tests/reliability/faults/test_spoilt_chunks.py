"""A missing or corrupt file, or one with other columns, fails its own job with a reason, and no other job."""

import io
import json
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.calls import call
from infra.local.supervisor import LocalStack
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.client import kafka, wait_until
from tests.e2e.support.logs import entries
from tests.e2e.support.organizations import Organization
from tests.e2e.support.queue import CHUNKS, DEAD_LETTER, STAGE, Queue
from tests.e2e.support.tables import Warehouse
from tests.reliability.records import Records

pytestmark = pytest.mark.stack

ROWS = 500
AT_ONCE = 60.0  # seconds; redeliveries alone would take longer
UNLOAD_SECONDS = 5.0


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def corrupt(content: bytes) -> bytes:
    """Return content of the same size, with only the ends of a Parquet file."""
    return content[:4] + bytes(len(content) - 8) + content[-4:]


def of_other_columns(content: bytes) -> bytes:
    """Return a valid Parquet file of the same size; readers skip the bytes between data and footer."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"unexpected": ["x"]}), sink)
    other = sink.getvalue()
    (footer,) = struct.unpack("<I", other[-8:-4])
    data, end = other[: -8 - footer], other[-8 - footer :]
    return data + bytes(len(content) - len(other)) + end


def gone(_content: bytes) -> None:
    return None


@pytest.fixture(scope="module")
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "spoilt")


@pytest.fixture(scope="module")
def table(stack: LocalStack) -> str:
    return Warehouse(stack.endpoints).create_hashes("SPOILT", ROWS)[0]


def write(stack: LocalStack, name: str, content: bytes | None) -> None:
    """Replace a staged file's content, or remove the file."""
    root = f"{stack.endpoints['gcs_url']}/{{}}storage/v1/b/{stack.endpoints['bucket']}/o"
    if content is None:
        answer = call("DELETE", f"{root.format('')}/{quote(name, safe='')}")
    else:
        url = f"{root.format('upload/')}?uploadType=media&name={quote(name, safe='')}"
        answer = call("POST", url, body=content)
    assert answer.status in {200, 204}, answer.data


def staged(organization: Organization, table: str, name: str) -> tuple[str, dict[str, bytes]]:
    """Return a job's id and its files, which are written before its unload ends."""
    job_id = organization.client.create(table=table, destinations=[kafka(name)])
    job = {"organization_id": organization.name, "job_id": job_id}
    wait_until(lambda: staged_files(organization.stack.endpoints, job), "a staged file")
    return job_id, staged_files(organization.stack.endpoints, job)


@pytest.mark.parametrize("spoil", [gone, cut_short, corrupt, of_other_columns])
def test_a_spoilt_chunk_fails_its_job_and_no_other(
    organization: Organization, table: str, spoil: Callable[[bytes], bytes | None]
) -> None:
    client, stack = organization.client, organization.stack
    with Warehouse(stack.endpoints).slow_unloads(UNLOAD_SECONDS):
        job_id, files = staged(organization, table, f"spoilt-{spoil.__name__}")
        for name, content in files.items():
            write(stack, name, spoil(content))
        other = client.create(table=table, destinations=[kafka(f"beside-{spoil.__name__}")])
    job = client.wait_for(job_id, "failed", seconds=AT_ONCE)
    assert "staged file" in job["error_message"].lower()
    assert job["chunks_left"] == job["num_chunks"]
    assert client.completed(other)["chunks_left"] == 0


def test_messages_of_another_attempt_or_retry_are_recorded_and_change_nothing(
    organization: Organization, table: str
) -> None:
    client, stack = organization.client, organization.stack
    job_id = client.create(table=table, destinations=[kafka("visited")])
    job = client.completed(job_id)
    (record,) = (each for each in Records(stack.endpoints).jobs(job["job_name"]) if each["job_id"] == job_id)
    wait_until(lambda: organization.is_torn_down(job), "the teardown")
    about = {"organization_id": organization.name, "job_id": job_id}
    of_job = about | {"kind": "deliver", "attempt_id": record["attempt"]["attempt_id"], "chunk": 0}
    forged: dict[str, tuple[str, dict[str, Any]]] = {
        "deliver": (CHUNKS, of_job | {"attempt_id": "another", "retry": 0}),
        "stage": (STAGE, about | {"kind": "stage", "retry": 7}),
        "dead_letter": (DEAD_LETTER, of_job | {"retry": 7}),
    }
    for function, (topic, message) in forged.items():
        ids = Queue(stack.endpoints).publish(topic, [json.dumps(message).encode()])

        def recorded(function: str = function, ids: set[str] = ids) -> list[dict[str, Any]]:
            found = [entry for entry in entries(stack.endpoints, function) if "event" not in entry]
            return [entry for entry in found if entry.get("message_id") in ids]

        wait_until(recorded, f"{function} records the message")
        assert len(recorded()) == 1
    assert client.get(job_id) == job
