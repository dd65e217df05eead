"""Keys that are larger than their rows, because their column is hidden: the size check counts them."""

import json
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa
import pytest

from shared.destinations.kafka.flow import Flow
from shared.destinations.kafka.refusals import Refusals
from shared.destinations.kafka.room import Room
from shared.destinations.kafka.sending import Sending
from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.oversized import RowTooLarge
from shared.steps.sending import Rows
from tests.fakes.kafka_producers import FakeProducer
from tests.fakes.sending import SteadyPulse, delivery_to, kafka_destination
from tests.fakes.webhook_sinks import FakeTime
from tests.unit.encoding.readers import READERS
from tests.unit.encoding.tables import staged_file

COLUMNS = [
    Column("n", JsonKind.INTEGER, type=TableType("FIXED", 9, 0)),
    Column("key:k", JsonKind.TEXT, "k", hidden=True),
]
LIMIT = 1_048_588
KEYS = ["small", "x" * 3_000_000, None]


@pytest.fixture(params=READERS)
def rows(request: pytest.FixtureRequest) -> Rows:
    table = pa.table({"n": [1, 2, 3], "key:k": KEYS})
    return cast("Rows", request.param(staged_file(table), COLUMNS, "key:k", "chunk"))


def sending(producer: FakeProducer, *, skip: bool) -> Sending:
    delivery = replace(
        delivery_to(kafka_destination(), 3), columns=COLUMNS[:1], file_is_rows=False, skip_oversized=skip
    )
    client: Any = producer
    return Sending(
        client,
        delivery,
        "topic",
        SteadyPulse(),
        room=Room(LIMIT, 100_000),
        most=2_000_000,
        refusals=Refusals(),
        reserve=15.0,
        flow=Flow(FakeTime().monotonic),
    )


def test_a_row_with_such_a_key_is_named(rows: Rows) -> None:
    (batch,) = rows.batches(10)
    assert [json.loads(line) for line in batch.lines()] == [{"n": 1}, {"n": 2}, {"n": 3}]
    with pytest.raises(RowTooLarge, match=r"Row 1 of chunk 3 \(key xxx.*has 3,000,04\d bytes"):
        sending(FakeProducer(), skip=False).send(batch)


@pytest.mark.parametrize("avro", [False, True], ids=["json", "avro"])
def test_such_a_row_is_skipped_and_the_others_are_sent(rows: Rows, *, avro: bool) -> None:
    messages = rows.in_avro(schema_of("base.assets.t", COLUMNS[:1]), 1) if avro else rows
    producer = FakeProducer()
    sent = sending(producer, skip=True)
    for batch in messages.batches(10):
        sent.send(batch)
    assert producer.waiting == 2
    assert [row.row for row in sent.skipped.named] == [1]
