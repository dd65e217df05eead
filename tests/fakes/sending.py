"""A chunk's rows, delivery and pulse, made up for tests of sinks."""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shared.domain.avro import Schema
from shared.domain.destination import Destination
from shared.domain.oversized import NONE_SKIPPED, Skipped
from shared.domain.pieces import NOT_SPLIT, Splits
from shared.steps.sending import MOST_BATCH_BYTES, ChunkDelivery
from tests.fakes.destinations import kafka, webhook


@dataclass
class NumberedBatch:
    """Rows ``{"row": n, "text": …}``, keyed by ``key_of`` their number; ``width``: the length of the text."""

    first_row: int
    rows: int
    width: int
    keyed: bool
    key_of: Callable[[int], bytes] = lambda number: b"key-%d" % number

    @property
    def size(self) -> int:
        return len(self.json_array()) - 1

    @property
    def ndjson(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines())

    def part(self, start: int, rows: int) -> "NumberedBatch":
        return replace(self, first_row=self.first_row + start, rows=rows)

    def lines(self) -> Sequence[bytes]:
        numbers = range(self.first_row, self.first_row + self.rows)
        text = "é" + "x" * self.width
        return [json.dumps({"row": number, "text": text}).encode() for number in numbers]

    def keys(self) -> Sequence[bytes | None] | None:
        if not self.keyed:
            return None
        return [self.key_of(number) for number in range(self.first_row, self.first_row + self.rows)]

    def json_array(self) -> bytes:
        return b"[" + b",".join(self.lines()) + b"]"


@dataclass
class NumberedRows:
    """A chunk of numbered rows; ``before`` is called with each batch's first row before it is returned."""

    rows: int
    width: int = 10
    keyed: bool = True
    key_of: Callable[[int], bytes] = lambda number: b"key-%d" % number
    before: Callable[[int], object] = lambda _: None

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[NumberedBatch]:
        assert most_bytes >= MOST_BATCH_BYTES  # SizedRows are for sizes
        for first in range(first_row, self.rows, rows_per_batch):
            self.before(first)
            count = min(rows_per_batch, self.rows - first)
            yield NumberedBatch(first, count, self.width, self.keyed, self.key_of)

    def in_avro(self, schema: Schema, schema_id: int) -> "AvroRows":
        return AvroRows(self, schema, schema_id)


@dataclass
class AvroRows:
    """The same rows as if they were in Avro: JSON behind the schema's id."""

    rows: NumberedRows
    schema: Schema
    schema_id: int

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator["AvroBatch"]:
        for batch in self.rows.batches(rows_per_batch, first_row, most_bytes):
            yield AvroBatch(**vars(batch), prefix=b"\0" + self.schema_id.to_bytes(4, "big"))


@dataclass(kw_only=True)
class AvroBatch(NumberedBatch):
    prefix: bytes

    def lines(self) -> Sequence[bytes]:
        return [self.prefix + line for line in super().lines()]


@dataclass
class SteadyPulse:
    """Raises ``reason`` once it is set; ``clock`` counts its ``seconds`` down."""

    seconds: float = 480.0
    reason: Exception | None = None
    clock: Callable[[], float] = lambda: 0.0
    on_check: Callable[[], object] = lambda: None
    checkpoints: list[int] = field(default_factory=list)
    skipped: Skipped = NONE_SKIPPED
    splits: Splits = NOT_SPLIT
    checkpoint_error: Exception | None = None

    def check(self) -> None:
        self.on_check()
        if self.reason is not None:
            raise self.reason

    def checkpoint(
        self, next_batch: int, skipped: Skipped = NONE_SKIPPED, splits: Splits = NOT_SPLIT
    ) -> None:
        if self.checkpoint_error is not None:
            raise self.checkpoint_error
        self.checkpoints.append(next_batch)
        self.skipped, self.splits = skipped, splits

    def seconds_left(self) -> float:
        return self.seconds - self.clock()


def kafka_destination(delivery: str | None = None) -> Destination:
    return kafka(f"topic-{uuid.uuid4().hex[:8]}", str(uuid.uuid4()), delivery)


def webhook_destination(url: str, hash_key: str | None = None) -> Destination:
    return webhook("hook", str(uuid.uuid4()), url, hash_key)


def delivery_to(destination: Destination, rows: int, *, batch_rows: int = 10) -> ChunkDelivery:
    """Return a delivery of a new job's chunk, from its first batch on."""
    return ChunkDelivery(
        organization_id="org123",
        job_id=str(uuid.uuid4()),
        attempt_id="attempt1",
        chunk=3,
        rows=rows,
        destination=destination,
        batch_rows=batch_rows,
        first_batch=0,
    )
