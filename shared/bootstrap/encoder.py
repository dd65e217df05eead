"""Which of the two encoders reads the chunks."""

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
    """The wanted encoder, ``native`` or ``python``; the latter too where the former is not installed.

    The log tells which it is, once, and why each chunk that the native one refused was read in Python.
    """
    if encoder == "native" and NATIVE_INSTALLED:
        log(logging.INFO, "rows are encoded natively", {"encoder": "native"})
        return _natively
    if encoder == "native":
        log(
            logging.WARNING,
            "rows are encoded in Python, at a third of the speed: the native encoder is not installed",
            {"encoder": "python"},
        )
    else:
        log(logging.INFO, "rows are encoded in Python, as ENCODER says", {"encoder": "python"})
    return _in_python


def _in_python(
    file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk
) -> ParquetRows:
    return ParquetRows(file, columns, key_column, chunk.name, expected_rows=chunk.rows)


def _several_cores() -> bool:
    """On one core the next batch would only push the last one out of its cache."""
    return len(os.sched_getaffinity(0)) > 1


def _natively(file: BinaryIO, columns: Sequence[Column], key_column: str | None, chunk: Chunk) -> NativeRows:
    def tell(why: str) -> None:
        message = f"{chunk.name} is encoded in Python: the native encoder could not read it"
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
