"""The operator's `doctor` on the whole stack: it passes there, and names each planted fault."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from infra.local import environments, kafka_rights
from infra.local.kafka_rights import GROUPS, TRANSACTIONS, Right
from infra.local.supervisor import LocalStack
from shared.destinations.kafka.reading import TopicReader
from shared.operator.__main__ import main
from shared.operator.doctor import command, trial
from tests.e2e.support.client import wait_until
from tests.e2e.support.kafka import topics
from tests.e2e.support.tables import Warehouse
from tests.fakes.receivers import Receiver, Reply

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("environment")]

TOPICS: tuple[Right, ...] = tuple(
    ("TOPIC", "beam.", "PREFIXED", operation)
    for operation in ("CREATE", "DELETE", "READ", "WRITE", "DESCRIBE_CONFIGS")
)
LOCAL = {"firestore.keys", "clock.snowflake"}


class Told:
    """The command's output: its exit status, and the names of its checks by result."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text

    def named(self, state: str) -> set[str]:
        lines = [line for line in self.text.splitlines() if line.startswith(f"{state} ")]
        return {line.removeprefix(state).split()[0] for line in lines}


Doctor = Callable[..., Told]


@pytest.fixture
def environment(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the staging function's environment, in the test's own process too."""
    found = environments.function("stage", stack.options, stack.layout)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Return a function that runs the command with these environment variables."""

    def run(*words: str, **changes: str) -> Told:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = main(["doctor", *words])
        return Told(status, capsys.readouterr().out)

    return run


@pytest.fixture
def spoiled(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    """Return the stack's Snowflake, with faults until the test ends and short timeouts."""
    monkeypatch.setattr(trial, "SECONDS", 3.0)
    yield warehouse
    warehouse.err()


def test_all_is_well_on_a_local_stack(doctor: Doctor) -> None:
    began = time.monotonic()
    told = doctor()
    assert told.status == 0, told.text
    assert time.monotonic() - began < 60
    assert len(told.named("ok")) >= 28
    assert told.named("ok") >= LOCAL
    # Checks without a local counterpart say why.
    assert told.named("not on a local stack") >= {"functions.callers", "egress.nat", "bucket.region"}
    assert "functions.callers           Terraform sets it up" in told.text
    assert told.named("wrong") == told.named("could not be checked") == set()
    assert len(told.text.splitlines()) == 1 + len(told.named("ok") | told.named("not on a local stack"))


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("sign-in refused", "snowflake.sign-in"),
        ("stage elsewhere", "snowflake.stage"),
        ("stage without integration", "snowflake.stage"),
        ("integration elsewhere", "snowflake.integration"),
        ("integration disabled", "snowflake.integration"),
        ("names without query ids", "snowflake.file-names"),
        ("text as binary", "snowflake.file-columns"),
        ("other compression", "snowflake.file-groups"),
        ("tags forgotten", "snowflake.history"),
        ("ends at once", "snowflake.async"),
        ("aborts ignored", "snowflake.abort"),
        ("request ids forgotten", "snowflake.request-ids"),
    ],
)
def test_what_snowflake_gets_wrong_is_named(
    doctor: Doctor, spoiled: Warehouse, fault: str, name: str
) -> None:
    spoiled.err(fault)
    told = doctor("--only", "snowflake")
    assert told.named("wrong") == {name}, told.text
    assert told.status == 1
    assert "fix: " in told.text


def test_an_unload_that_fails_is_named_once(doctor: Doctor, spoiled: Warehouse) -> None:
    spoiled.fail_unloads(3001, "42501", "Insufficient privileges to operate on stage")
    told = doctor("--only", "snowflake")
    assert told.named("wrong") == {"snowflake.unload"}, told.text
    assert "snowflake.file-names" in told.named("could not be checked")


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        ({"role": "ACCOUNTADMIN"}, "snowflake.role", "far more permissions"),
        ({"warehouse": ""}, "snowflake.warehouse", "has no warehouse"),
    ],
)
def test_a_session_of_another_kind_is_named(
    doctor: Doctor, environment: dict[str, str], change: dict[str, str], name: str, says: str
) -> None:
    connect = json.loads(environment["SNOWFLAKE_CONNECT"]) | change
    told = doctor("--only", "snowflake", SNOWFLAKE_CONNECT=json.dumps(connect))
    assert told.named("wrong") == {name}, told.text
    assert says in told.text


def test_a_table_that_is_not_on_offer_is_named(doctor: Doctor) -> None:
    told = doctor("--only", "snowflake", "--table", "base.assets.nothing_of_the_kind")
    assert told.named("wrong") == {"snowflake.table"}, told.text


def test_a_snowflake_that_is_not_there_is_no_fault_of_its_settings(
    doctor: Doctor, environment: dict[str, str]
) -> None:
    connect = json.loads(environment["SNOWFLAKE_CONNECT"]) | {"port": 1, "login_timeout": 1}
    told = doctor("--only", "snowflake", SNOWFLAKE_CONNECT=json.dumps(connect))
    assert told.status == 4, told.text
    assert told.named("ok") == told.named("wrong") == set()


def test_a_clock_that_is_off_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
    told = doctor("--only", "clock")
    assert told.named("wrong") == {"clock.snowflake"}
    assert "s behind" in told.text


def test_a_project_without_keys_is_named(doctor: Doctor) -> None:
    told = doctor("--only", "firestore", GOOGLE_CLOUD_PROJECT="nobody-has-a-key")
    assert told.named("wrong") == {"firestore.keys"}


def test_too_few_brokers_and_too_short_a_retention_are_named(doctor: Doctor) -> None:
    told = doctor("--only", "kafka", KAFKA_TOPIC_REPLICATION="3", KAFKA_MARKER_DAYS="30")
    assert told.named("wrong") == {"kafka.brokers", "kafka.offsets-retention", "kafka.topic-create"}
    assert "offsets.retention.minutes=10080, should be at least 43200" in told.text
    assert "fix: in every broker's server.properties: offsets.retention.minutes=43200" in told.text


@pytest.mark.parametrize(
    ("replies", "state", "name"),
    [
        ([Reply(401)], "wrong", "registry.credentials"),
        ([Reply(body=b"<html>")], "wrong", "registry.subjects"),
        ([Reply(503)], "wrong", "registry.answers"),
        ([Reply(cut=True)], "could not be checked", "registry.answers"),
    ],
    ids=str,
)
def test_what_the_operators_registry_gets_wrong_is_named(
    doctor: Doctor, replies: list[Reply], state: str, name: str
) -> None:
    with Receiver(*replies) as server:
        told = doctor("--only", "registry", SCHEMA_REGISTRY_URL=f"http://127.0.0.1:{server.port}")
    assert name in told.named(state), told.text
    assert told.status == (1 if state == "wrong" else 4)


@pytest.fixture
def user(stack: LocalStack) -> Iterator[Callable[..., str]]:
    """Return a function that builds KAFKA_CLIENT for a user with these permissions; remove the doctor's
    topics later.
    """
    admin = kafka_rights.administrator(stack.endpoints["kafka_bootstrap"])

    def made(*rights: Right) -> str:
        name = f"doctor-{uuid.uuid4().hex[:8]}"
        kafka_rights.set_password(admin, name, "made-up-words")
        kafka_rights.grant(admin, name, rights)
        return json.dumps(
            {
                "bootstrap.servers": stack.endpoints["external_kafka"]["bootstrap_servers"],
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": name,
                "sasl.password": "made-up-words",
                "ssl.ca.pem": stack.layout.secured_kafka.authority,
            }
        )

    yield made
    left = [name for name in admin.list_topics(timeout=30).topics if name.startswith("beam.backfills-doctor")]
    for gone in (admin.delete_topics(left) if left else {}).values():
        try:
            gone.result(30)
        except KafkaException as error:
            # A slow broker still listed a topic that the doctor had removed.
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise


@pytest.fixture
def administrator(stack: LocalStack, tmp_path: Path) -> str:
    """Write a file with a user who may describe the brokers."""
    path = tmp_path / "admin.json"
    path.write_text(json.dumps({"bootstrap.servers": stack.endpoints["kafka_bootstrap"]}))
    return str(path)


def test_with_its_rights_all_is_well(doctor: Doctor, user: Callable[..., str], administrator: str) -> None:
    client = user(*TOPICS, TRANSACTIONS, GROUPS)
    told = doctor("--only", "kafka", "--kafka-admin", administrator, KAFKA_CLIENT=client)
    assert told.status == 0, told.text
    # A user without that permission is told how to get it.
    told = doctor("--only", "kafka", KAFKA_CLIENT=client)
    assert told.status == 4
    assert told.named("wrong") == set()
    assert "pass --kafka-admin" in told.text


@pytest.mark.parametrize(
    ("missing", "name"),
    [
        (TOPICS[0], "kafka.topic-create"),
        (TOPICS[1], "kafka.topic-delete"),
        (TOPICS[2], "kafka.topic-read"),
        (TOPICS[3], "kafka.topic-write"),
        (TOPICS[4], "kafka.topic-settings"),
        (TRANSACTIONS, "kafka.transactions"),
        (GROUPS, "kafka.groups"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[3],
)
def test_a_right_that_is_missing_is_named(
    doctor: Doctor,
    user: Callable[..., str],
    administrator: str,
    missing: Right,
    name: str,
) -> None:
    client = user(*(right for right in (*TOPICS, TRANSACTIONS, GROUPS) if right != missing))
    told = doctor("--only", "kafka", "--kafka-admin", administrator, KAFKA_CLIENT=client)
    assert told.named("wrong") == {name}, told.text
    assert told.status == 1
    assert "fix: terraform -chdir=infra output -raw kafka_acls" in told.text
    assert "made-up-words" not in told.text


@pytest.fixture
def with_key(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who has a key of the API."""
    monkeypatch.setenv("BACKFILLS_URL", stack.endpoints["api_url"])
    monkeypatch.setenv("BACKFILLS_API_KEY", stack.endpoints["api_key"])


SMALL = ("--only", "backfill", "--backfill", "2026-03-10T00:00:00", "2026-03-11T00:00:00")
ALL_OF_BACKFILL = {
    "backfill.estimate",
    "backfill.job",
    "backfill.receipt",
    "backfill.rows",
    "backfill.removed",
}


@pytest.mark.usefixtures("with_key")
def test_a_small_backfill_passes_through_a_healthy_stack(stack: LocalStack, doctor: Doctor) -> None:
    told = doctor(*SMALL)
    assert told.status == 0, told.text
    assert told.named("ok") == ALL_OF_BACKFILL
    assert stack.endpoints["api_key"] not in told.text
    (topic,) = re.findall(r"to topic (doctor-[0-9a-f]+)", told.text)
    wait_until(lambda: not _there(stack, topic), "the topic is removed")


def _there(stack: LocalStack, name: str) -> bool:
    return any(topic.endswith(f".{name}") for topic in topics(stack.endpoints["kafka_bootstrap"]))


@pytest.mark.usefixtures("with_key")
def test_a_row_that_the_topic_lacks_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = TopicReader.rows

    def without_one(reader: TopicReader, *arguments: Any, **named: Any) -> Iterator[Any]:
        yield from islice(rows(reader, *arguments, **named), 1, None)

    monkeypatch.setattr(TopicReader, "rows", without_one)
    told = doctor(*SMALL)
    assert told.status == 1, told.text
    assert told.named("wrong") == {"backfill.rows"}


@pytest.mark.usefixtures("with_key")
def test_a_slice_without_rows_creates_no_job(doctor: Doctor) -> None:
    told = doctor("--only", "backfill", "--backfill", "2020-03-10T00:00:00", "2020-03-11T00:00:00")
    assert told.status == 4
    assert told.named("could not be checked") == ALL_OF_BACKFILL - {"backfill.removed"}
    assert "the slice has 0 rows: choose one of 1 to 1,000,000" in told.text


@pytest.mark.usefixtures("with_key")
def test_a_job_that_fails_is_named(doctor: Doctor, warehouse: Warehouse) -> None:
    warehouse.fail_unloads(904, "42000", "SQL compilation error: invalid identifier")
    told = doctor(*SMALL)
    assert told.status == 1, told.text
    assert told.named("wrong") == {"backfill.job"}
    assert told.named("could not be checked") == {"backfill.receipt", "backfill.rows"}


@pytest.mark.usefixtures("with_key")
def test_a_key_that_is_not_accepted_is_told(doctor: Doctor) -> None:
    told = doctor(*SMALL, BACKFILLS_API_KEY="bfk_unknown")
    assert told.status == 4
    assert "answers 401" in told.text
    told = doctor(*SMALL, BACKFILLS_API_KEY="")
    assert told.status == 1
