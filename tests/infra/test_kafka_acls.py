"""The broker's rights are those that the service's names and calls need."""

import re
import uuid

import pytest

from shared.destinations import kafka_names
from shared.jobs import KafkaDestination
from shared.steps.ports import ChunkDelivery
from tests.infra.conftest import Deploy

_COMMAND = re.compile(
    r'kafka-acls\.sh --bootstrap-server "\$BOOTSTRAP" --command-config admin\.properties --add --force '
    r"--allow-principal User:backfills --resource-pattern-type prefixed "
    r"--(?P<resource>[a-z-]+) (?P<prefix>\S+)(?P<operations>( --operation \w+)+)"
)


@pytest.fixture(scope="module")
def acls(deployed: Deploy) -> dict[str, tuple[str, set[str]]]:
    """By kind of resource: the prefix, and the operations."""
    found = {}
    for line in deployed("prod").outputs["kafka_acls"].splitlines():
        match = _COMMAND.fullmatch(line)
        assert match is not None, line
        operations = set(match["operations"].replace("--operation", "").split())
        found[match["resource"]] = (match["prefix"], operations)
    return found


def test_the_prefixes_are_those_of_the_names(acls: dict[str, tuple[str, set[str]]]) -> None:
    delivery = ChunkDelivery(
        organization_id="acme",
        job_id=str(uuid.uuid4()),
        attempt_id="a1",
        chunk=1,
        rows=1,
        destination=KafkaDestination("transfers", "uid"),
        webhook_batch_rows=500,
        first_batch=0,
    )
    assert kafka_names.topic_of(delivery).startswith(acls["topic"][0])
    for resource in ("group", "transactional-id"):
        assert kafka_names.transaction_of(delivery).startswith(acls[resource][0])


def test_nothing_more_is_granted_than_is_done(acls: dict[str, tuple[str, set[str]]]) -> None:
    assert {resource: operations for resource, (_, operations) in acls.items()} == {
        "topic": {"Create", "Delete", "Describe", "Read", "Write"},
        "group": {"Describe", "Read"},
        "transactional-id": {"Describe", "Write"},
    }
