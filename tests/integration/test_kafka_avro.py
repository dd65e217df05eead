"""Rows in Avro on Apache Kafka: once, named, and left out if too large, as rows in JSON are."""

import io
import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from shared.destinations import destination
from shared.destinations.kafka.forms import Forms
from shared.destinations.kafka.names import topic_of
from shared.destinations.kafka.sink import KafkaSink
from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind, TableType
from shared.domain.errors import Unavailable
from shared.domain.oversized import NONE_SKIPPED, OversizedRow, RowTooLarge
from shared.encoding import ParquetRows
from shared.steps.sending import ChunkDelivery
from tests.e2e.support.kafka import messages
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.receivers import Receiver, Reply, Request
from tests.fakes.schema_registries import registrations
from tests.fakes.sending import SteadyPulse, delivery_to
from tests.unit.encoding.tables import staged_file

pytestmark = pytest.mark.emulator

TABLE = "base.assets.transfers"
COLUMNS = (
    Column("id", JsonKind.INTEGER, type=TableType("FIXED", 38, 0)),
    Column("text", JsonKind.TEXT, type=TableType("TEXT")),
)
SCHEMA = schema_of(TABLE, COLUMNS)
ROWS = 3_000


class Registry(Receiver):
    """Has one id for every schema."""

    def reply_to(self, _request: Request, /) -> Reply:
        return Reply(body=b'{"id": 258}')


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


@pytest.fixture(params=[None, "at_least_once"], ids=["exactly_once", "at_least_once"])
def delivery(
    request: pytest.FixtureRequest, kafka_bootstrap: str, registry: Registry
) -> Iterator[ChunkDelivery]:
    """A chunk for a topic of its own."""
    asked = {"type": "avro", "registry": {"url": f"http://127.0.0.1:{registry.port}"}}
    name = f"avro-{uuid.uuid4().hex[:8]}"
    to = destination(type="kafka", name=name, uid=str(uuid.uuid4()), delivery=request.param, format=asked)
    delivery = replace(delivery_to(to, ROWS), table=TABLE, columns=COLUMNS)
    topics = kafka_topics(kafka_bootstrap)
    topics.create(topic_of(delivery))
    yield delivery
    topics.delete(topic_of(delivery))


@pytest.fixture
def sink(kafka_bootstrap: str) -> KafkaSink:
    return kafka_sink(kafka_bootstrap, form=Forms(registrations))


def rows_of(ids: pa.Array, texts: list[str] | None = None) -> ParquetRows:
    text = pa.array(texts or [f"é{number}" for number in ids.to_pylist()])
    return ParquetRows(staged_file(pa.table({"ID": ids, "TEXT": text})), COLUMNS, "id", "chunk")


def arrived(bootstrap: str, delivery: ChunkDelivery) -> list[tuple[dict[str, Any], bytes, dict[str, bytes]]]:
    """Each row with its key and its headers."""
    found = []
    for message in messages(bootstrap, topic_of(delivery)):
        assert message.value()[:5] == b"\0\0\0\1\2"
        row = fastavro.schemaless_reader(io.BytesIO(message.value()[5:]), SCHEMA, None)
        assert isinstance(row, dict)
        found.append((row, message.key(), dict(message.headers() or [])))
    return found


def test_chunks_of_other_physical_types_have_one_schema_and_every_row_arrives(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str, registry: Registry
) -> None:
    chunks = {
        3: pa.array(range(ROWS), pa.int32()),
        4: pa.array([10**30 + number for number in range(ROWS)], pa.decimal128(38, 0)),
    }
    for chunk in (3, 3, 4):
        assert sink.deliver(replace(delivery, chunk=chunk), rows_of(chunks[chunk]), SteadyPulse())
    found = arrived(kafka_bootstrap, delivery)
    once = Counter(int(number) for ids in chunks.values() for number in ids.to_pylist())
    if delivery.destination.delivery is None:
        assert Counter(int(row["id"]) for row, _, _ in found) == once
    else:
        names = {tuple(headers.values()): int(row["id"]) for row, _, headers in found}
        assert len(found) == 3 * ROWS
        assert Counter(names.values()) == once
    assert all(row["text"] == f"é{row['id']}" and key == b"%d" % row["id"] for row, key, _ in found)
    (asked,) = registry.requests
    assert json.loads(json.loads(asked.body)["schema"]) == SCHEMA


def test_a_row_that_is_too_large_is_named_or_left_out(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str
) -> None:
    ids, texts = pa.array(range(5), pa.int64()), ["x"] * 5
    texts[2] = random.Random(1).randbytes(1_000_000).hex()  # noqa: S311 - the same bytes each time
    delivery = replace(delivery, rows=5)
    with pytest.raises(RowTooLarge, match=r"Row 2 of chunk 3 \(key 2\) has 2,000,"):
        sink.deliver(delivery, rows_of(ids, texts), SteadyPulse())
    assert delivery.destination.delivery == "at_least_once" or arrived(kafka_bootstrap, delivery) == []
    pulse = SteadyPulse()
    skipping = replace(delivery, chunk=4, skip_oversized=True)
    assert sink.deliver(skipping, rows_of(ids, texts), pulse)
    (named,) = pulse.skipped.named
    assert isinstance(named, OversizedRow)
    assert (named.row, named.key, pulse.skipped.rows) == (2, "2", 1)
    assert {int(row["id"]) for row, _, _ in arrived(kafka_bootstrap, delivery)} == {0, 1, 3, 4}


def test_a_registry_in_trouble_keeps_the_chunk_for_later(
    sink: KafkaSink, delivery: ChunkDelivery, kafka_bootstrap: str, registry: Registry
) -> None:
    answers = iter([Reply(503)])
    registry.reply_to = lambda _request: next(answers, Reply(body=b'{"id": 258}'))  # type: ignore[method-assign]
    pulse = SteadyPulse()
    with pytest.raises(Unavailable, match="the schema registry"):
        sink.deliver(delivery, rows_of(pa.array(range(ROWS))), pulse)
    assert arrived(kafka_bootstrap, delivery) == []
    assert sink.deliver(delivery, rows_of(pa.array(range(ROWS))), pulse)
    assert len(arrived(kafka_bootstrap, delivery)) == ROWS
    assert pulse.skipped == NONE_SKIPPED
