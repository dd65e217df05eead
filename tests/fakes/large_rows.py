"""Delivers a chunk of large rows in a process of its own, and writes its peak memory and what it sent.

``python -m tests.fakes.large_rows FILE ENCODER SINK ADDRESS``, with a file of ``staged``.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from bench.work import peak_mib
from shared.bootstrap.memory import keep_freed_memory
from shared.destinations import destination
from shared.destinations.gcs.stream import lines, parts_of
from shared.destinations.kafka.names import topic_of
from shared.destinations.pubsub.sink import PubSubSink
from shared.destinations.webhook.connections import Answer
from shared.domain.avro import schema_of
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import DestinationRefused
from shared.encoding import NativeRows, ParquetRows
from shared.steps.sending import Rows
from tests.fakes.kafka_readers import written
from tests.fakes.kafka_sinks import kafka_sink, kafka_topics
from tests.fakes.nats_sinks import Subject, nats_sink
from tests.fakes.pubsub_sinks import LIMITS
from tests.fakes.sending import SteadyPulse, delivery_to, kafka_destination, webhook_destination
from tests.fakes.webhook_sinks import FakeTime, webhook_sink

ROWS: Final = 600
_COLUMNS: Final = (Column("n", JsonKind.INTEGER), Column("t", JsonKind.TEXT))


def staged(path: Path) -> Path:
    """Write the chunk: 600 rows of half a megabyte, 300 MB in pages of some rows, 14 MB compressed."""
    with pq.ParquetWriter(
        path,
        pa.schema([("N", pa.int64()), ("T", pa.string())]),
        compression="snappy",
        write_batch_size=4,
    ) as writer:
        texts = [f"row {row:06} " * 45_000 for row in range(ROWS)]
        writer.write_table(pa.table({"N": range(ROWS), "T": texts}))
    return path


def delivered(path: Path, encoder: str, sink: str, address: str = "") -> dict[str, Any]:
    """Deliver the chunk in another process."""
    command = [sys.executable, "-m", "tests.fakes.large_rows", str(path), encoder, sink, address]
    done = subprocess.run(  # noqa: S603 - this module
        command, check=True, capture_output=True, text=True, timeout=120
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Sent:
    """Counts rows, and sums up checksums, in whatever order they come."""

    def __init__(self) -> None:
        self.rows = self.sum = 0
        self._lock = threading.Lock()

    def add(self, text: bytes, rows: int = 1) -> None:
        with self._lock:
            self.rows += rows
            self.sum += crc32(text)


class _PubSub:
    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    def publish(self, request: Any, **_: Any) -> None:
        for message in request.messages:
            self._sent.add(message.data)


class _Receiver:
    """Stands in for Connections: accepts everything after a moment, so that requests overlap."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    def post(self, _url: str, body: bytes, _headers: Mapping[str, str], _seconds: float) -> Answer:
        time.sleep(0.3)
        self._sent.add(body, body.count(b'{"n":'))
        return Answer(200, {}, b"")


def _to_bucket(rows: Rows, sent: Sent, _address: str) -> None:
    rest = b""
    for part in parts_of(lines(rows, 1_024, SteadyPulse()), 8 << 20):
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            sent.add(line)


def _in_avro(rows: Rows, sent: Sent, _address: str) -> None:
    for batch in rows.in_avro(schema_of("base.assets.transfers", _COLUMNS), 1).batches(1_024):
        for line in batch.lines():
            sent.add(line)


def _to_pubsub(rows: Rows, sent: Sent, _address: str) -> None:
    clock = FakeTime()
    sink = PubSubSink(
        client=_PubSub(sent),  # type: ignore[arg-type] # it publishes
        own_topics=(),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        random=lambda: 0.7,
        limits=LIMITS,
    )
    events = destination(type="pubsub", name="events", uid="events-uid", topic="projects/p/topics/t")
    assert sink.deliver(delivery_to(events, ROWS, batch_rows=500), rows, SteadyPulse())


def _to_webhook(batch_rows: int) -> "Deliver":
    def deliver(rows: Rows, sent: Sent, _address: str) -> None:
        sink = webhook_sink(_Receiver(sent), FakeTime())  # type: ignore[arg-type] # it posts
        sink = replace(sink, limits=replace(sink.limits, in_flight=4))
        hook = webhook_destination("https://receiver.test/")
        sink.deliver(delivery_to(hook, ROWS, batch_rows=batch_rows), rows, SteadyPulse())

    return deliver


def _to_nats(rows: Rows, sent: Sent, address: str) -> None:
    subject = Subject(address)
    delivery = replace(subject.delivery(ROWS), batch_rows=500)
    assert nats_sink().deliver(delivery, rows, SteadyPulse())
    sent.rows = subject.ask(lambda client: client.jetstream().stream_info(subject.name)).state.messages


def _to_kafka(delivery: str | None) -> "Deliver":
    def deliver(rows: Rows, sent: Sent, address: str) -> None:
        chunk = delivery_to(kafka_destination(delivery), ROWS)
        kafka_topics(address).create(topic_of(chunk))
        assert kafka_sink(address).deliver(chunk, rows, SteadyPulse())
        sent.rows = written(address, topic_of(chunk))
        kafka_topics(address).delete(topic_of(chunk))

    return deliver


Deliver = Callable[[Rows, Sent, str], None]
_SINKS: Final[Mapping[str, Deliver]] = {
    "bucket": _to_bucket,
    "avro": _in_avro,
    "pubsub": _to_pubsub,
    "webhook": _to_webhook(100),
    "webhook of large batches": _to_webhook(500),
    "nats": _to_nats,
    "kafka": _to_kafka(None),
    "kafka at_least_once": _to_kafka("at_least_once"),
}


def _results(path: str, encoder: str, sink: str, address: str) -> Iterator[tuple[str, Any]]:
    sent = Sent()
    with Path(path).open("rb") as file:
        if encoder == "native":
            rows: Rows = NativeRows(file, _COLUMNS, None, "chunk", ahead=True)
        else:
            rows = ParquetRows(file, _COLUMNS, None, "chunk")
        try:
            _SINKS[sink](rows, sent, address)
        except DestinationRefused as error:
            yield "refused", error.message
    yield from {"rows": sent.rows, "sum": sent.sum, "peak_mib": peak_mib()}.items()


if __name__ == "__main__":
    keep_freed_memory()
    sys.stdout.write(json.dumps(dict(_results(*sys.argv[1:5]))))
