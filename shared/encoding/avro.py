"""Arrow columns → one Avro record a row, behind Confluent's prefix.

The columns' values are converted a column at a time, and fastavro writes the records. It writes dates and
times as the numbers that Avro stores, which Arrow makes of the staged text.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from fastavro import parse_schema, schemaless_writer

from shared.domain.avro import Schema
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import StagedFileUnusable
from shared.encoding.embedded import embeddable

Convert = Callable[[pa.ChunkedArray], list[Any]]
Tables = Callable[[int, int], Iterator[pa.Table]]
"""Yields the rows as tables of the job's columns, of so many rows each, from one row on."""
KeyTexts = Callable[[pa.Table], pa.ChunkedArray | None]

_FIRST_DAY: Final = pa.scalar("1970-01-01T", pa.large_string())
_NOTHING: Final = pa.scalar("", pa.large_string())


@dataclass(frozen=True, slots=True, eq=False)
class AvroBatch:
    """``rows`` consecutive rows of a chunk, of which the first is the chunk's row ``first_row`` (from 0)."""

    first_row: int
    rows: int
    messages: list[bytes]
    key_texts: pa.ChunkedArray | None

    @property
    def size(self) -> int:
        """Bytes of the rows and their keys. A row in Avro may be shorter than its key."""
        keys = 0 if self.key_texts is None else self.key_texts.nbytes
        return sum(map(len, self.messages)) + keys

    def lines(self) -> list[bytes]:
        return self.messages

    def keys(self) -> list[bytes | None] | None:
        """The key column's text in UTF-8, None for a null; no list at all without a key column."""
        if self.key_texts is None:
            return None
        texts: list[bytes | None] = self.key_texts.cast(pa.large_binary()).to_pylist()
        return texts


class AvroRows:
    """The rows of one staged file, in the file's order, as messages of this schema and its id.

    Raises StagedFileUnusable for values that the job's columns cannot have.
    """

    def __init__(
        self,
        schema: Schema,
        schema_id: int,
        *,
        tables: Tables,
        key_texts: KeyTexts,
        columns: Sequence[Column],
        name: str,
    ) -> None:
        """``columns``: those of the tables. ``name``: what a client may read of the file in an error."""
        self._tables = tables
        self._key_texts = key_texts
        self._name = name
        self._schema = parse_schema(schema)
        # A magic byte and the id: https://docs.confluent.io/platform/current/schema-registry/fundamentals
        self._prefix = b"\0" + schema_id.to_bytes(4, "big")
        types = {field["name"]: field["type"][1] for field in schema["fields"]}
        fields = [(place, column) for place, column in enumerate(columns) if not column.hidden]
        self._names = [column.name for _, column in fields]
        self._converts = [(place, _convert(column, types[column.name])) for place, column in fields]

    def batches(self, rows_per_batch: int, first_row: int = 0) -> Iterator[AvroBatch]:
        """Batches of exactly ``rows_per_batch`` rows but for the last, from row ``first_row`` on."""
        for table in self._tables(rows_per_batch, first_row):
            yield AvroBatch(first_row, table.num_rows, self._messages(table), self._key_texts(table))
            first_row += table.num_rows

    def _messages(self, table: pa.Table) -> list[bytes]:
        columns = [
            self._converted(table.column(place), name, convert)
            for name, (place, convert) in zip(self._names, self._converts, strict=True)
        ]
        names, schema, prefix, body = self._names, self._schema, self._prefix, io.BytesIO()
        messages = []
        try:
            for values in zip(*columns, strict=True):
                body.seek(0)
                body.truncate()
                body.write(prefix)
                schemaless_writer(body, schema, dict(zip(names, values, strict=True)))
                messages.append(body.getvalue())
        except (ValueError, OverflowError) as error:
            raise StagedFileUnusable(
                f"Staged file {self._name} has a number that its column's type in Snowflake cannot hold",
                detail=str(error),
            ) from error
        return messages

    def _converted(self, values: pa.ChunkedArray, name: str, convert: Convert) -> list[Any]:
        try:
            return convert(values)
        except (ValueError, RecursionError, ArithmeticError) as error:
            raise StagedFileUnusable(
                f"Staged file {self._name}: column {name} has a value that its type in Avro cannot hold",
                detail=str(error),
            ) from error


def _as_they_are(values: pa.ChunkedArray) -> list[Any]:
    found: list[Any] = values.to_pylist()
    return found


def _json(values: pa.ChunkedArray) -> list[Any]:
    texts = values.cast(pa.large_binary()).to_pylist()
    return [None if text is None else embeddable(text).decode() for text in texts]


def _decimals(values: pa.ChunkedArray) -> list[Any]:
    return [None if value is None else Decimal(value) for value in values.to_pylist()]


def _integers(values: pa.ChunkedArray) -> list[Any]:
    return [None if value is None else int(value) for value in values.to_pylist()]


def _bytes(values: pa.ChunkedArray) -> list[Any]:
    return [None if text is None else bytes.fromhex(text) for text in values.to_pylist()]


def _days(values: pa.ChunkedArray) -> list[Any]:
    return _as_they_are(values.cast(pa.date32()).cast(pa.int32()))


def _instants(values: pa.ChunkedArray) -> list[Any]:
    return _as_they_are(values.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))


def _local_times(values: pa.ChunkedArray) -> list[Any]:
    return _as_they_are(values.cast(pa.timestamp("us")).cast(pa.int64()))


def _times_of_day(values: pa.ChunkedArray) -> list[Any]:
    # Arrow reads no times of day from text.
    dated = pc.binary_join_element_wise(_FIRST_DAY, values.cast(pa.large_string()), _NOTHING)
    return _local_times(dated)


_LOGICAL: Final[dict[str, Convert]] = {
    "decimal": _decimals,
    "date": _days,
    "time-micros": _times_of_day,
    "timestamp-micros": _instants,
    "local-timestamp-micros": _local_times,
}


def _convert(column: Column, type_: str | Schema) -> Convert:
    """How the column's staged values become values of this Avro type."""
    if isinstance(type_, dict):
        return _LOGICAL[type_["logicalType"]]
    if type_ == "bytes":
        return _bytes
    if type_ == "long":
        return _integers
    return _json if column.kind is JsonKind.JSON else _as_they_are
