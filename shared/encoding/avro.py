"""Arrow columns → one Avro record a row, behind Confluent's prefix.

A record is its fields' bytes, one after the other, and each field is a union with null. Therefore each column
becomes pieces of bytes by itself, and Arrow joins the pieces of a row (``docs/decisions/032-avro.md``). Arrow
also checks the values: one that does not fit its type is an error.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.domain.avro import Schema
from shared.domain.columns import Column, JsonKind
from shared.domain.errors import StagedFileUnusable
from shared.encoding.embedded import embeddable
from shared.steps.sending import MOST_BATCH_BYTES

Pieces = tuple[pa.Array | pa.Scalar, ...]
Write = Callable[[pa.Array], Pieces]
Tables = Callable[[int, int, int], Iterator[pa.Table]]
"""Yields the job's columns as tables, given the rows per batch, the first row, and a table's most bytes."""
KeyTexts = Callable[[pa.Table], pa.ChunkedArray | None]

_BINARY: Final = pa.large_binary()
_DECIMAL_128: Final = 38  # digits


def _varint(number: int) -> bytes:
    """Avro's int and long: zigzag, then seven bits a byte, the lowest first."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    found = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)


_NULL: Final = _varint(0)  # the union's first branch
_VALUE: Final = _varint(1)  # the union's second branch
_MOST: Final = 4_096
_LENGTHS: Final = pa.array([_VALUE + _varint(length) for length in range(_MOST)], _BINARY)
_NULLS: Final = pa.scalar(_NULL, _BINARY)
_VALUES: Final = pa.scalar(_VALUE, _BINARY)
_TRUE: Final = pa.scalar(_VALUE + b"\1", _BINARY)
_FALSE: Final = pa.scalar(_VALUE + b"\0", _BINARY)
_NOTHING: Final = pa.scalar(b"", _BINARY)
_FIRST_DAY: Final = pa.scalar("1970-01-01T", pa.large_string())
_NO_TEXT: Final = pa.scalar("", pa.large_string())


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
        # A magic byte and the id: https://docs.confluent.io/platform/current/schema-registry/fundamentals
        self._prefix = pa.scalar(b"\0" + schema_id.to_bytes(4, "big"), _BINARY)
        types = {field["name"]: field["type"][1] for field in schema["fields"]}
        self._fields = [
            (place, column.name, _writer(column, types[column.name]))
            for place, column in enumerate(columns)
            if not column.hidden
        ]

    def batches(
        self, rows_per_batch: int, first_row: int = 0, most_bytes: int = MOST_BATCH_BYTES
    ) -> Iterator[AvroBatch]:
        """Batches that end after each ``rows_per_batch`` rows from row ``first_row`` on, at the latest.

        A batch of more than one row has no more than about ``most_bytes``.
        """
        for table in self._tables(rows_per_batch, first_row, most_bytes):
            (batch,) = table.combine_chunks().to_batches()
            pieces: list[pa.Array | pa.Scalar] = [self._prefix]
            for place, name, write in self._fields:
                pieces += self._written(batch.column(place), name, write)
            messages = pc.binary_join_element_wise(*pieces, _NOTHING).to_pylist()
            yield AvroBatch(first_row, table.num_rows, messages, self._key_texts(table))
            first_row += table.num_rows

    def _written(self, values: pa.Array, name: str, write: Write) -> Pieces:
        try:
            return write(values)
        except (ValueError, RecursionError) as error:
            raise StagedFileUnusable(
                f"Staged file {self._name}: column {name} has a value that its type in Avro cannot hold",
                detail=str(error),
            ) from error


def _sized(values: pa.Array) -> Pieces:
    """Bytes and strings: their length comes first."""
    lengths = pc.binary_length(values)
    if (pc.max(lengths).as_py() or 0) < _MOST:
        heads = _LENGTHS.take(lengths)
    else:
        heads = pa.array(
            [None if length is None else _VALUE + _varint(length) for length in lengths.to_pylist()], _BINARY
        )
    return heads.fill_null(_NULLS), values.fill_null(_NOTHING)


def _fixed(values: pa.Array) -> Pieces:
    """Return the pieces of values whose type has a fixed length."""
    heads = pc.if_else(values.is_null(), _NULLS, _VALUES)
    return heads, values.fill_null(_NOTHING)


def _strings(values: pa.Array) -> Pieces:
    return _sized(values.cast(pa.large_string()).cast(_BINARY))


def _json(values: pa.Array) -> Pieces:
    texts = values.cast(_BINARY).to_pylist()
    return _sized(pa.array([None if text is None else embeddable(text) for text in texts], _BINARY))


def _bytes(values: pa.Array) -> Pieces:
    found = [None if text is None else bytes.fromhex(text) for text in values.to_pylist()]
    return _sized(pa.array(found, _BINARY))


def _booleans(values: pa.Array) -> Pieces:
    return (pc.if_else(values.cast(pa.bool_()), _TRUE, _FALSE).fill_null(_NULLS),)


def _doubles(values: pa.Array) -> Pieces:
    # Arrow keeps them as Avro wants them: eight bytes, the lowest first.
    return _fixed(values.cast(pa.float64()).view(pa.binary(8)).cast(_BINARY))


def _longs(values: pa.Array) -> Pieces:
    return _each(values.cast(pa.int64()), _varint)


def _each(values: pa.Array, encode: Callable[[Any], bytes]) -> Pieces:
    """Values that Python writes: each once, however often it is there."""
    found = values.dictionary_encode()
    written = pa.array([_VALUE + encode(value) for value in found.dictionary.to_pylist()], _BINARY)
    return (written.take(found.indices).fill_null(_NULLS),)


def _decimals(precision: int, scale: int) -> Write:
    wide = precision > _DECIMAL_128
    type_ = pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)
    raw_type = pa.binary(32 if wide else 16)

    def write(values: pa.Array) -> Pieces:
        if pa.types.is_integer(values.type):
            # From integers themselves, Arrow wants as many digits as their type could have.
            values = values.cast(pa.decimal128(_DECIMAL_128, 0))
        return _each(values.cast(type_).view(raw_type), _shortest)

    return write


def _shortest(little_endian: bytes) -> bytes:
    """The same number in as few bytes as hold it, the highest first, behind their count."""
    number = int.from_bytes(little_endian, "little", signed=True)
    size = number.bit_length() // 8 + 1
    return _varint(size) + number.to_bytes(size, "big", signed=True)


def _days(values: pa.Array) -> Pieces:
    return _longs(values.cast(pa.date32()).cast(pa.int32()))


def _instants(values: pa.Array) -> Pieces:
    return _longs(values.cast(pa.timestamp("us", "UTC")))


def _local_times(values: pa.Array) -> Pieces:
    return _longs(values.cast(pa.timestamp("us")))


def _times_of_day(values: pa.Array) -> Pieces:
    # Arrow reads no times of day from text.
    return _local_times(pc.binary_join_element_wise(_FIRST_DAY, values.cast(pa.large_string()), _NO_TEXT))


_LOGICAL: Final[dict[str, Write]] = {
    "date": _days,
    "time-micros": _times_of_day,
    "timestamp-micros": _instants,
    "local-timestamp-micros": _local_times,
}
_PLAIN: Final[dict[str, Write]] = {
    "string": _strings,
    "bytes": _bytes,
    "boolean": _booleans,
    "double": _doubles,
    "long": _longs,
}


def _writer(column: Column, type_: str | dict[str, Any]) -> Write:
    """How the column's staged values are written as this Avro type."""
    if isinstance(type_, str):
        return _json if column.kind is JsonKind.JSON else _PLAIN[type_]
    if type_["logicalType"] == "decimal":
        return _decimals(type_["precision"], type_["scale"])
    return _LOGICAL[type_["logicalType"]]
