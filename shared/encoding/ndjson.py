"""Arrow columns to one JSON object per row.

arro3 writes whole batches; ``docs/decisions/003-encoder.md`` gives the reasons. It cannot embed a column that
already is JSON. Such a column is therefore written as null under a name that no other column has, and the
values replace those nulls afterwards.
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
# Quotes inside a string are escaped, so this matches only a whole field.
_PLACE: Final = re.compile(rb'(?<=[{,])"":null')


def encodable(read: pa.RecordBatch, columns: Sequence[Column], file_name: str) -> pa.RecordBatch:
    """Check the rows and name the columns by their fields, as ``encode`` expects.

    ``read`` has the columns in this order, with types that can hold their kinds; its names are not used.
    Raises StagedFileUnusable for text that is not UTF-8.
    """
    for values, column in zip(read.columns, columns, strict=True):
        try:
            values.validate(full=True)  # the encoder assumes valid UTF-8
        except pa.ArrowInvalid as error:
            raise StagedFileUnusable(
                f"Staged file {file_name}: column {column.name} holds text that is not UTF-8",
                detail=str(error),
            ) from error
    arrays = [normalized(values) for values in read.columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def encode(table: pa.Table, columns: Sequence[Column], file_name: str) -> bytes:
    """Return the rows as NDJSON, with a final newline; ``table`` consists of results of ``encodable``.

    Raises StagedFileUnusable for text that should be JSON and is not.
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
    """Return the column as whole JSON fields, ``"name":value``."""
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
    """Fill the nulls of ``body``: in each row one value of each column in ``fields``, in their order."""
    around = _PLACE.split(body)
    pieces = [b""] * (2 * len(around) - 1)
    pieces[::2] = around
    for nth, column in enumerate(fields):
        pieces[2 * nth + 1 :: 2 * len(fields)] = column
    return b"".join(pieces)
