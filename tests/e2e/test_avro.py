"""Backfills in Avro through the whole stack, with a real registry, read by Confluent's own deserializer."""

import datetime as dt
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from infra.local import environments, kafka_rights, secure_kafka
from infra.local.supervisor import LocalStack
from shared.operator.__main__ import main
from tests.e2e.support.client import Client, backfill
from tests.e2e.support.kafka import messages
from tests.e2e.support.tables import Warehouse
from tests.fakes import documented
from tests.fakes.external_kafka import ExternalTopic
from tests.fakes.schema_registry import schema_registry

pytestmark = pytest.mark.stack

MOST = 10**38 - 1
UTC = dt.UTC
# A column's name, its type, SQL that makes a value of a text, and texts with what a reader has of them.
COLUMNS: list[tuple[str, str, str, list[tuple[str | None, Any]]]] = [
    ("ID", "NUMBER(38, 0)", "%s", [(str(MOST), Decimal(MOST)), (str(-MOST), Decimal(-MOST)), (None, None)]),
    ("SMALL", "NUMBER(9, 0)", "%s", [("-999999999", -999999999), ("0", 0), (None, None)]),
    ("PRICE", "NUMBER(10, 2)", "%s", [("-0.01", Decimal("-0.01")), ("1", Decimal("1.00")), (None, None)]),
    ("RATIO", "FLOAT", "%s", [("NaN", math.nan), ("-1.5e300", -1.5e300), (None, None)]),
    ("NAME", "VARCHAR", "%s", [("🚀\n", "🚀\n"), ("", ""), (None, None)]),
    ("MINTED", "BOOLEAN", "%s", [("true", True), ("false", False), (None, None)]),
    ("DAY", "DATE", "%s", [("1969-12-31", dt.date(1969, 12, 31)), ("9999-12-31", dt.date.max), (None, None)]),
    ("CLOCK", "TIME(6)", "%s", [("23:59:59.999999", dt.time.max), ("00:00:00", dt.time.min), (None, None)]),
    (
        "MOMENT",
        "TIMESTAMP_NTZ(6)",
        "%s",
        [
            ("1969-12-31T23:59:59.999999", dt.datetime.fromisoformat("1969-12-31T23:59:59.999999")),
            ("2026-03-01", dt.datetime.fromisoformat("2026-03-01")),
            (None, None),
        ],
    ),
    (
        "INSTANT",
        "TIMESTAMP_TZ(3)",
        "%s",
        [("2026-01-01T03:00:00.5+05:30", dt.datetime(2025, 12, 31, 21, 30, 0, 500_000, UTC)), (None, None)],
    ),
    ("NANOS", "TIMESTAMP_NTZ(9)", "%s", [("1700-01-01T00:00:00.000000001", "1700-01-01T00:00:00.000000001")]),
    ("HASH", "BINARY", "TO_BINARY(%s, 'HEX')", [("00ff", b"\x00\xff"), ("", b""), (None, None)]),
    ("ANYTHING", "VARIANT", "PARSE_JSON(%s)", [('{"a":[1,null]}', {"a": [1, None]}), (None, None)]),
]
ROUNDS = 3


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with schema_registry() as url:
        yield url


@pytest.fixture(scope="module")
def owner(registry: str) -> Iterator[SchemaRegistryClient]:
    """The registry's client of whoever owns it, or reads."""
    with SchemaRegistryClient({"url": registry}) as client:
        yield client


@pytest.fixture(scope="module")
def table(warehouse: Warehouse) -> str:
    defined = ", ".join(f"{name} {kind}" for name, kind, _, _ in COLUMNS)
    table = warehouse.create("IN_AVRO", f"BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), {defined}")
    expressions = ", ".join(f"%s::{kind}" if sql == "%s" else sql for _, kind, sql, _ in COLUMNS)
    rows = [
        [f"2026-03-01T00:00:0{number}", *(values[number % len(values)][0] for *_, values in COLUMNS)]
        for number in range(ROUNDS)
    ]
    warehouse.insert(table, f"%s::TIMESTAMP_NTZ(9), {expressions}", rows)
    return table


def expected() -> list[dict[str, Any]]:
    return [
        {"block_timestamp": f"2026-03-01T00:00:0{number}"}
        | {name.lower(): values[number % len(values)][1] for name, _, _, values in COLUMNS}
        for number in range(ROUNDS)
    ]


def avro(registry: str) -> dict[str, Any]:
    return {"type": "avro", "registry": {"url": registry}}


def read(owner: SchemaRegistryClient, sent: list[Any], topic: str) -> list[dict[str, Any]]:
    """The rows as a consumer has them that knows only the registry."""
    deserialize = AvroDeserializer(owner)
    found = [deserialize(one.value(), SerializationContext(topic, MessageField.VALUE)) for one in sent]
    return sorted(found, key=lambda row: str(row["block_timestamp"]))


def verified(stack: LocalStack, job_id: str) -> int:
    """The status of the operator's `verify --table`: 0 if every row is as it is in the table."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environments.function("stage", stack.options, stack.layout).items():
            patch.setenv(name, value)
        return main(["verify", stack.endpoints["organization_id"], job_id, "--table"])


def same(found: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Names, order, types and values are equal; NaN is equal to NaN, and JSON to its value."""
    if found["anything"] is not None:
        found = found | {"anything": json.loads(found["anything"])}
    return list(found) == list(wanted) and repr(list(found.values())) == repr(list(wanted.values()))


def test_every_type_is_read_as_it_was_at_both_kafkas(
    stack: LocalStack, client: Client, registry: str, owner: SchemaRegistryClient, table: str
) -> None:
    theirs = ExternalTopic(stack)
    rights = [("TOPIC", theirs.name, "LITERAL", right) for right in ("WRITE", "READ", "DESCRIBE_CONFIGS")]
    kafka_rights.grant(theirs.admin, secure_kafka.USER, rights)
    external = {**stack.endpoints["external_kafka"], "sasl_mechanism": "SCRAM-SHA-256", "topic": theirs.name}
    destinations = [
        {"type": "kafka", "name": "in-avro", "format": avro(registry)},
        {"type": "kafka", "name": "in-json", "format": "json"},
        {"type": "external_kafka", "name": "theirs", **external, "format": avro(registry)},
    ]
    job = client.completed(client.create(table=table, destinations=destinations))
    assert job["destinations"][0]["format"] == avro(registry)
    bootstrap = stack.endpoints["kafka_bootstrap"]
    ours = f"beam.{job['organization_id']}.in-avro"
    for topic in (ours, theirs.name):
        sent = messages(bootstrap, topic)
        assert len({one.value()[:5] for one in sent}) == 1
        found = read(owner, sent, topic)
        assert len(found) == ROUNDS
        for row, wanted in zip(found, expected(), strict=True):
            assert same(row, wanted), (row, wanted)
    assert {f"{ours}-value", f"{theirs.name}-value"} <= set(owner.get_subjects())
    assert verified(stack, job["job_id"]) == 0
    in_json = messages(bootstrap, f"beam.{job['organization_id']}.in-json")
    assert sorted(json.loads(one.value())["small"] or 0 for one in in_json) == [-999999999, 0, 0]


@pytest.fixture(scope="module")
def topic(client: Client, registry: str, table: str) -> str:
    """A topic of the table's rows in Avro."""
    to = {"type": "kafka", "name": "to-read", "format": avro(registry)}
    job = client.completed(client.create(table=table, destinations=[to]))
    return f"beam.{job['organization_id']}.to-read"


def test_the_documentations_reader_has_the_rows(
    stack: LocalStack, registry: str, owner: SchemaRegistryClient, topic: str, tmp_path: Path
) -> None:
    bootstrap = stack.endpoints["kafka_bootstrap"]
    rows = read(owner, messages(bootstrap, topic), topic)
    environment = {
        "TOPIC": topic,
        "KAFKA": json.dumps({"bootstrap.servers": bootstrap}),
        "REGISTRY": json.dumps({"url": registry}),
        "ROWS": str(len(rows)),
    }
    printed = documented.run(documented.program("kafka.md", "avro reader"), tmp_path, environment)
    assert sorted(printed.splitlines()) == sorted(map(str, rows))


def test_chosen_and_renamed_columns_keys_and_headers_are_as_in_json(
    stack: LocalStack, client: Client, registry: str, owner: SchemaRegistryClient, table: str
) -> None:
    chosen = ["block_timestamp", {"column": "price", "as": "Cost"}]
    to = {"type": "kafka", "name": "in-avro-again", "format": avro(registry)}
    to |= {"delivery": "at_least_once", "key_column": "small"}
    job = client.completed(client.create(table=table, destinations=[to], columns=chosen))
    topic = f"beam.{job['organization_id']}.in-avro-again"
    sent = messages(stack.endpoints["kafka_bootstrap"], topic)
    prices = [Decimal("-0.01"), Decimal("1.00"), None]
    assert read(owner, sent, topic) == [
        {"block_timestamp": f"2026-03-01T00:00:0{number}", "Cost": prices[number]} for number in range(ROUNDS)
    ]
    assert {one.key() for one in sent} == {b"-999999999", b"0", None}
    assert {dict(one.headers())["beam-job-id"] for one in sent} == {job["job_id"].encode()}


def test_a_schema_that_the_registry_refuses_fails_the_job_with_its_words(
    stack: LocalStack, client: Client, registry: str, owner: SchemaRegistryClient, table: str
) -> None:
    subject = f"beam.{stack.endpoints['organization_id']}.incompatible-value"
    fields = [{"name": "block_timestamp", "type": "long"}]
    earlier = {"type": "record", "name": "in_avro", "namespace": "base.assets", "fields": fields}
    owner.register_schema(subject, Schema(json.dumps(earlier), "AVRO"))
    owner.set_compatibility(subject, "BACKWARD")
    to = {"type": "kafka", "name": "incompatible", "format": avro(registry)}
    (warning,) = warnings(client, table, to)
    assert f"which is not compatible with the latest one of {subject}: " in warning
    job = client.wait_for(client.create(table=table, destinations=[to]), "failed")
    assert f"refuses the schema of these rows for {subject} (it answered 409): " in job["error_message"]
    assert job["error_message"].isprintable()


def warnings(client: Client, table: str, to: dict[str, Any]) -> list[str]:
    answer = client.call("POST", "/estimate", backfill(table=table, destinations=[to]))
    assert answer.status == 200, answer
    found: list[str] = answer.body["warnings"]
    return found


def test_an_estimate_warns_of_a_registry_and_registers_nothing(
    client: Client, registry: str, owner: SchemaRegistryClient, table: str
) -> None:
    fit = {"type": "kafka", "name": "estimated", "format": avro(registry)}
    assert warnings(client, table, fit) == []
    assert not any("estimated" in subject for subject in owner.get_subjects())
    (elsewhere,) = warnings(client, table, fit | {"format": avro(f"{registry}/elsewhere")})
    assert "kafka estimated: The schema registry does not answer with " in elsewhere
    (closed,) = warnings(client, table, fit | {"format": avro("http://127.0.0.1:1")})
    assert "the schema registry is not available at the moment. A job would wait for it" in closed


def test_the_doctor_finds_the_registry_well(
    stack: LocalStack, registry: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environments.function("stage", stack.options, stack.layout).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", registry)
    assert main(["doctor", "--only", "registry"]) == 0
    assert "3 checks: 3 ok" in capsys.readouterr().out


def test_a_name_that_avro_does_not_allow_fails_the_job_and_a_new_name_helps(
    stack: LocalStack, client: Client, warehouse: Warehouse, registry: str, owner: SchemaRegistryClient
) -> None:
    table = warehouse.create("ODD_NAMES", 'BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), "A$B" NUMBER(5, 0)')
    warehouse.insert(table, "%s::TIMESTAMP_NTZ(9), %s", [["2026-03-01T00:00:00", 7]])
    to = {"type": "kafka", "name": "odd-names", "format": avro(registry)}
    failed = client.wait_for(client.create(table=table, destinations=[to]), "failed")
    assert "a$b. Give these columns other names with `as`" in failed["error_message"]
    chosen = ["block_timestamp", {"column": "a$b", "as": "a_b"}]
    job = client.completed(client.create(table=table, destinations=[to], columns=chosen))
    topic = f"beam.{job['organization_id']}.odd-names"
    (row,) = read(owner, messages(stack.endpoints["kafka_bootstrap"], topic), topic)
    assert row["a_b"] == 7
