"""Arrow columns → one JSON object a row.

arro3 writes whole batches; why it and not another is in ``docs/decisions/003-encoder.md``. It has no
notion of a column that already is JSON, so such a column is written as null under a name that no other
column has, and the values are put in the places of those nulls.
"""

import io
import re
from collections.abc import Sequence
from typing import Final

import msgspec
import pyarrow as pa
from arro3.io import write_ndjson

from shared.domain.columns import Column, JsonKind
from shared.domain.errors import StagedFileUnusable
from shared.encoding.embedded import embeddable
from shared.encoding.physical import normalized

_PLACE_NAME: Final = ""
# Quotes inside a string are escaped, so this can only be a whole field.
_PLACE: Final = re.compile(rb'(?<=[{,])"":null')


def encodable(read: pa.RecordBatch, columns: Sequence[Column], file_name: str) -> pa.RecordBatch:
    """The rows as ``encode`` takes them, checked and under their fields' names.

    ``read`` has the columns in this order, of types that can hold their kinds; its names are not used.
    Raises StagedFileUnusable for text that is not UTF-8.
    """
    for values, column in zip(read.columns, columns, strict=True):
        try:
            values.validate(full=True)  # the encoder takes UTF-8 on trust
        except pa.ArrowInvalid as error:
            raise StagedFileUnusable(
                f"Staged file {file_name}: column {column.name} holds text that is not UTF-8",
                detail=str(error),
            ) from error
    arrays = [normalized(values) for values in read.columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def encode(table: pa.Table, columns: Sequence[Column], file_name: str) -> bytes:
    """The rows as NDJSON, its last line ended too; ``table`` is made of what ``encodable`` answers.

    Raises StagedFileUnusable for text that is not the JSON it should be.
    """
    embedded = [place for place, column in enumerate(columns) if column.kind is JsonKind.JSON]
    fields = [_fields(columns[place].name, table.column(place), file_name) for place in embedded]
    nulls = pa.nulls(table.num_rows)
    for place in embedded:
        table = table.set_column(place, _PLACE_NAME, nulls)
    body = io.BytesIO()
    write_ndjson(table, body, explicit_nulls=True)
    return _spliced(body.getvalue(), fields) if embedded else body.getvalue()


def _fields(name: str, values: pa.ChunkedArray, file_name: str) -> list[bytes]:
    """The column as whole JSON fields, ``"name":value``."""
    field = msgspec.json.encode(name) + b":"
    try:
        return [
            field + (b"null" if text is None else embeddable(text))
            for text in values.cast(pa.large_binary()).to_pylist()
        ]
    except (ValueError, RecursionError) as error:
        raise StagedFileUnusable(
            f"Staged file {file_name}: column {name} holds text that is not JSON, or nested too deep",
            detail=str(error),
        ) from error


def _spliced(body: bytes, fields: Sequence[Sequence[bytes]]) -> bytes:
    """``body`` with its places filled: in each row one of each column of ``fields``, in their order."""
    around = _PLACE.split(body)
    pieces = [b""] * (2 * len(around) - 1)
    pieces[::2] = around
    for nth, column in enumerate(fields):
        pieces[2 * nth + 1 :: 2 * len(fields)] = column
    return b"".join(pieces)
