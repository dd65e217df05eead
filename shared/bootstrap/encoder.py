"""Chooses the encoder that reads the chunks."""

import logging
import os
from collections.abc import Sequence
from typing import BinaryIO

from shared.bootstrap.logs import log
from shared.domain.chunks import Chunk
from shared.domain.columns import Column
from shared.encoding import NATIVE_INSTALLED, NativeRows, ParquetRows
from shared.steps.sending import ReadRows


def read_rows(encoder: str) -> ReadRows:
    """Return the requested encoder, ``native`` or ``python``; the latter also if the former is not installed.

    The log records the choice once. It also records why the native encoder refused a chunk, which is then
    encoded in Python.
    """
    if encoder == "native" and NATIVE_INSTALLED:
        log(logging.INFO, "rows are encoded natively", {"encoder": "native"})
        return _natively
    if encoder == "native":
        log(
            logging.WARNING,
            "rows are encoded in Python at a third of the speed, because the native encoder is not installed",
            {"encoder": "python"},
        )
    else:
        log(logging.INFO, "rows are encoded in Python, as ENCODER requests", {"encoder": "python"})
    return _in_python


def _in_python(
    file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
) -> ParquetRows:
    return ParquetRows(file, columns, key_column, chunk.name, expected_rows=chunk.rows)


def _several_cores() -> bool:
    """Return whether to encode ahead. On one core, the next batch would only evict the last one from the
    cache.
    """
    return len(os.sched_getaffinity(0)) > 1


def _natively(file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk) -> NativeRows:
    def tell(why: str) -> None:
        message = f"{chunk.name} is encoded in Python, because the native encoder could not read it"
        log(logging.WARNING, message, {"encoder": "python", "refusal": why})

    return NativeRows(
        file,
        columns,
        key_column,
        chunk.name,
        expected_rows=chunk.rows,
        on_refusal=tell,
        ahead=_several_cores(),
    )
