"""A job to topics of Amazon SNS, through the whole stack."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.options import StackOptions
from infra.local.supervisor import LocalStack
from tests.e2e.support.client import Client
from tests.e2e.support.tables import Warehouse
from tests.fakes.sns_sinks import KEYS, Queue

pytestmark = pytest.mark.stack

ROWS = 300  # for the stand-in, whose time grows with their square


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of small chunks with a stand-in of Amazon."""
    options = StackOptions(
        folder=tmp_path_factory.mktemp("sns"),
        rows=1000,
        unload_file_bytes=8 * 1024,
        destinations=frozenset({"sns"}),
    )
    with LocalStack(options) as stack:
        _store(stack, json.dumps(KEYS))
        yield stack


def _store(stack: LocalStack, value: str) -> None:
    file = stack.layout.secrets_file
    secrets = json.loads(file.read_text())
    secrets[stack.endpoints["organization_id"]]["AWS_KEYS"] = value
    file.write_text(json.dumps(secrets))


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Client:
    return Client(stack.endpoints["api_url"], stack.endpoints["api_key"])


@pytest.fixture(scope="module")
def table(stack: LocalStack) -> tuple[str, list[str]]:
    return Warehouse(stack.endpoints).create_hashes("TO_SNS", ROWS)


def sns(stack: LocalStack, arn: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "sns",
        "name": arn.rpartition(":")[2],
        "topic_arn": arn,
        "credentials": "AWS_KEYS",
        "endpoint_url": stack.endpoints["aws_url"],
        **fields,
    }


def test_every_row_arrives_at_a_standard_and_a_fifo_topic(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    name, ids = table
    topics = [stack.endpoints["sns_topic_arn"], stack.endpoints["sns_fifo_topic_arn"]]
    destinations = [sns(stack, arn) for arn in topics]
    job = client.completed(client.create(table=name, destinations=destinations))
    assert job["num_chunks"] > 1
    assert job["progress"]["rows_done"] == job["progress"]["rows_total"]
    for arn in topics:
        queue = Queue(stack.endpoints["aws_url"], arn.rpartition(":")[2])
        places: dict[tuple[str, str, str], dict[str, Any]] = {}
        for message, labels in zip(queue.read(), queue.labels(), strict=True):
            place = labels["beam-job-id"], labels["beam-chunk"], labels["beam-row"]
            places[place] = json.loads(message["Body"])
        assert {job_id for job_id, _, _ in places} == {job["job_id"]}
        assert sorted(row["unique_id"] for row in places.values()) == sorted(ids)
        assert {row["block_timestamp"] for row in places.values()} == {"2026-03-01T00:00:00"}


def test_a_topic_that_is_not_there_fails_the_job_by_its_name(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    arn = stack.endpoints["sns_topic_arn"] + "-gone"
    job = client.wait_for(client.create(table=table[0], destinations=[sns(stack, arn)]), "failed")
    assert f"There is no topic {arn}" in job["error_message"]


def test_a_secret_that_is_not_there_fails_the_job_by_its_name(
    stack: LocalStack, client: Client, table: tuple[str, list[str]]
) -> None:
    one = sns(stack, stack.endpoints["sns_topic_arn"], credentials="NOBODYS")
    job = client.wait_for(client.create(table=table[0], destinations=[one]), "failed")
    assert "no secret named NOBODYS" in job["error_message"]
