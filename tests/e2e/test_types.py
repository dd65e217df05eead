"""Every type of the contract arrives at Kafka and at a webhook as the contract maps it."""

import hashlib
import io
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.supervisor import LocalStack
from tests.e2e.support.bucket import staged_files
from tests.e2e.support.client import Client, kafka, wait_until, webhook
from tests.e2e.support.every_type import COLUMNS, STRUCTURED, every_row, message
from tests.e2e.support.kafka import committed
from tests.e2e.support.receiver import Patient, Receiver, batches_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack


def test_every_type_arrives_as_the_contract_says(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    definitions = ", ".join(f'"{column.name}" {column.type}' for column in COLUMNS)
    table = warehouse.create("EVERY_TYPE", definitions)
    rows = every_row()
    warehouse.insert(
        table,
        ", ".join(column.expression for column in COLUMNS),
        (
            [None if row[column.name] is None else column.written(row[column.name]) for column in COLUMNS]
            for row in rows
        ),
    )
    expected = sorted(message(row) for row in rows)
    with Receiver() as receiver:
        destinations = [kafka("every-type"), webhook("every-type", receiver.url)]
        job = client.completed(client.create(table=table, destinations=destinations))
    topic = f"beam.{job['organization_id']}.every-type"
    sent = committed(stack.endpoints["kafka_bootstrap"], topic)
    assert sorted(json.dumps(json.loads(value)) for _, value in sent) == expected
    posted = [row for body in batches_once(receiver.requests) for row in json.loads(body)]
    assert sorted(json.dumps(row) for row in posted) == expected


def test_a_column_that_is_narrowed_differently_in_each_file_is_an_integer_in_all_messages(
    hasty_stack: LocalStack, hasty_client: Client, hasty_warehouse: Warehouse
) -> None:
    table = hasty_warehouse.create(
        "NARROWED", "BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), ID NUMBER(38, 0), PADDING VARCHAR"
    )
    ids = [number * base for base in (1, 2**40, 10**34) for number in range(1, 1500)]
    padding = [hashlib.sha256(str(number).encode()).hexdigest() for number in ids]
    moments = [datetime.fromisoformat("2026-03-01")] * len(ids)
    columns = {
        "block_timestamp": pa.array(moments, pa.timestamp("ns")),
        "id": pa.array([Decimal(number) for number in ids], pa.decimal128(38, 0)),
        "padding": pa.array(padding),
    }
    hasty_warehouse.load(table, pa.table(columns))
    with Patient() as receiver:
        destinations = [webhook("narrowed", receiver.url), kafka("narrowed")]
        job_id = hasty_client.create(table=table, destinations=destinations)
        # The first batch waits for its answer, so the files still exist.
        wait_until(lambda: receiver.requests, "a batch arrives")
        files = staged_files(hasty_stack.endpoints, hasty_client.get(job_id))
        receiver.may_answer.set()
        job = hasty_client.completed(job_id)
    schemas = [pq.read_schema(io.BytesIO(content)) for content in files.values()]
    assert {str(schema.field("ID").type) for schema in schemas} == {"int32", "int64", "decimal128(38, 0)"}
    expected = sorted(
        json.dumps({"block_timestamp": "2026-03-01T00:00:00", "id": number, "padding": text})
        for number, text in zip(ids, padding, strict=True)
    )
    topic = f"beam.{job['organization_id']}.narrowed"
    sent = committed(hasty_stack.endpoints["kafka_bootstrap"], topic)
    assert sorted(json.dumps(json.loads(value)) for _, value in sent) == expected
    posted = [row for body in batches_once(receiver.requests) for row in json.loads(body)]
    assert sorted(json.dumps(row) for row in posted) == expected


def test_places_vectors_and_structured_values_arrive_as_json(
    stack: LocalStack, client: Client, warehouse: Warehouse
) -> None:
    values = STRUCTURED
    names = [f"C{number}" for number in range(len(values))]
    defined = ", ".join(f"{name} {kind}" for name, kind in zip(names, values, strict=True))
    table = warehouse.create("STRUCTURED", f"BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), {defined}")
    made = ", ".join("PARSE_JSON(%s)" for _ in names)
    without: list[str | None] = ["2026-03-01T00:00:01", *[None] * len(names)]
    rows: list[list[Any]] = [["2026-03-01T00:00:00", *values.values()], without]
    warehouse.insert(table, f"%s::TIMESTAMP_NTZ(9), {made}", rows)
    job = client.completed(client.create(table=table, destinations=[kafka("structured")]))
    sent = committed(stack.endpoints["kafka_bootstrap"], f"beam.{job['organization_id']}.structured")
    found = sorted((json.loads(value) for _, value in sent), key=lambda row: str(row["block_timestamp"]))
    assert [list(row.values())[1:] for row in found] == [
        [json.loads(value) for value in values.values()],
        [None] * len(names),
    ]


def test_a_column_of_an_unsupported_type_fails_the_job_by_its_name(
    client: Client, warehouse: Warehouse
) -> None:
    kind = "FILE"
    table = warehouse.create(f"OF_{kind}", f"BLOCK_TIMESTAMP TIMESTAMP_NTZ(9), Birth_Place {kind}")
    job_id = client.create(table=table, destinations=[kafka(f"of-{kind}")])
    job = client.wait_for(job_id, "failed")
    assert job["error_message"].startswith(f"Column birth_place is of type {kind}, which has no mapping")
    assert warehouse.unloads(job_id) == []
