"""Rows of a chunk that carry their identity, and destinations that remember them."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from shared.domain.chunks import Chunk
from shared.domain.columns import Column
from shared.steps.sending import MOST_BATCH_BYTES, ChunkDelivery, EncodedBatch, Pulse, Rows
from tests.fakes.json_only import JsonOnly

Row = tuple[int, int]


@dataclass(frozen=True, slots=True)
class NumberedBatch:
    """Implements the port EncodedBatch: each row is the JSON array of its chunk and its index."""

    chunk: int
    first_row: int
    rows: int

    @property
    def size(self) -> int:
        return len(self.json_array()) - 1

    @property
    def ndjson(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines())

    def part(self, start: int, rows: int) -> "NumberedBatch":
        return NumberedBatch(self.chunk, self.first_row + start, rows)

    def lines(self) -> Sequence[bytes]:
        return [json.dumps([self.chunk, self.first_row + index]).encode() for index in range(self.rows)]

    def keys(self) -> None:
        return None

    def json_array(self) -> bytes:
        return b"[" + b",".join(self.lines()) + b"]"


@dataclass(frozen=True, slots=True)
class NumberedRows(JsonOnly):
    """Implements the port Rows."""

    chunk: Chunk

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[EncodedBatch]:
        assert most_bytes >= MOST_BATCH_BYTES  # these rows never have as many
        for start in range(first_row, self.chunk.rows, rows_per_batch):
            yield NumberedBatch(self.chunk.number, start, min(rows_per_batch, self.chunk.rows - start))


def read_numbered_rows(
    file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
) -> NumberedRows:
    """Implements the port ReadRows; the file must be the one that the job recorded."""
    assert len(file.read()) == chunk.size
    assert key_column in {column.name for column in columns}
    return NumberedRows(chunk)


def rows_of(batch: EncodedBatch) -> list[Row]:
    return [(chunk, row) for chunk, row in json.loads(batch.json_array())]


@dataclass(frozen=True, slots=True)
class Request:
    """A webhook request: an id that is the same at every attempt, and its rows."""

    request_id: str
    rows: list[Row]


@dataclass(slots=True)
class Receiver:
    """A webhook receiver. ``answer`` runs for each received request and may raise."""

    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], None] = lambda _request: None

    def receive(self, request: Request) -> None:
        self.requests.append(request)
        self.answer(request)

    def rows(self) -> list[Row]:
        """Return all rows of all requests, in order of arrival."""
        return [row for request in self.requests for row in request.rows]


@dataclass(frozen=True, slots=True)
class RequestSink:
    """Implements the port Sink like the webhooks': one request per batch, a checkpoint after each.

    ``least``: with fewer of the handler's seconds left, the rest goes into a new message.
    """

    receiver: Receiver
    least: float = 60.0

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        size, number = delivery.batch_rows, delivery.first_batch
        for batch in rows.batches(size, number * size):
            pulse.check()
            if number > delivery.first_batch and pulse.seconds_left() < self.least:
                return False
            name = f"{delivery.attempt_id}-{delivery.chunk}-{delivery.destination.uid}-{number}"
            self.receiver.receive(Request(name, rows_of(batch)))
            number += 1
            pulse.checkpoint(number)
        return True


@dataclass(slots=True)
class Log:
    """A Kafka topic as read_committed consumers see it; transactions by their markers."""

    committed: dict[tuple[str, int], list[Row]] = field(default_factory=dict)

    def commit(self, marker: tuple[str, int], rows: list[Row]) -> None:
        """Commit the transaction, unless its marker already exists."""
        self.committed.setdefault(marker, rows)

    def rows(self) -> list[Row]:
        return [row for rows in self.committed.values() for row in rows]


@dataclass(frozen=True, slots=True)
class LogMarkers:
    """Implements the port Markers."""

    log: Log

    def committed(self, delivery: ChunkDelivery) -> bool:
        return (delivery.attempt_id, delivery.chunk) in self.log.committed


@dataclass(frozen=True, slots=True)
class TransactionSink:
    """Implements the port Sink like Kafka's: accepts a chunk as a whole or not at all, and at most once."""

    log: Log

    def deliver(self, delivery: ChunkDelivery, rows: Rows, pulse: Pulse) -> bool:
        found: list[Row] = []
        for batch in rows.batches(2):
            pulse.check()
            found += rows_of(batch)
        self.log.commit((delivery.attempt_id, delivery.chunk), found)
        return True
