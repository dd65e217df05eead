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

from shared.columns import Column, JsonKind
from shared.encoding.embedded import embeddable
from shared.encoding.physical import normalized
from shared.errors import StagedFileUnusable

_PLACE_NAME: Final = ""
# Quotes inside a string are escaped, so this can only be a whole field.
_PLACE: Final = re.compile(rb'(?<=[{,])"":null')


def encode(table: pa.Table, columns: Sequence[Column], file_name: str) -> bytes:
    """The rows as NDJSON, its last line ended too.

    ``table`` has the columns in this order, of types that can hold their kinds; its names are not used.
    Raises StagedFileUnusable for text that is not UTF-8 or not the JSON it should be.
    """
    arrays = [_checked(values, column, file_name) for values, column in zip(table, columns, strict=True)]
    embedded: list[tuple[str, pa.ChunkedArray]] = []
    names = [column.name for column in columns]
    for place, column in enumerate(columns):
        if column.kind is JsonKind.JSON:
            embedded.append((column.name, arrays[place]))
            arrays[place] = pa.nulls(table.num_rows)
            names[place] = _PLACE_NAME
    body = io.BytesIO()
    write_ndjson(pa.Table.from_arrays(arrays, names=names), body, explicit_nulls=True)
    if not embedded:
        return body.getvalue()
    return _spliced(body.getvalue(), [_fields(name, values, file_name) for name, values in embedded])


def _checked(values: pa.ChunkedArray, column: Column, file_name: str) -> pa.ChunkedArray:
    try:
        values.validate(full=True)  # the encoder takes UTF-8 on trust
    except pa.ArrowInvalid as error:
        raise StagedFileUnusable(
            f"Staged file {file_name}: column {column.name} holds text that is not UTF-8", detail=str(error)
        ) from error
    return normalized(values)


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
