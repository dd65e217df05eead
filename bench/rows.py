"""The chunk's rows by the encoder that the product has: the native one where it is built."""

from typing import Any

from bench import chunk
from shared.encoding import NATIVE_INSTALLED, NativeRows, ParquetRows

RowsOfProduct = NativeRows if NATIVE_INSTALLED else ParquetRows


def rows_of(file: Any, path: str, *, in_python: bool = False, ahead: bool = False) -> ParquetRows:
    """All of them; ``in_python`` asks for the slower encoder, ``ahead`` for the thread that works ahead."""
    if ahead:
        return NativeRows(file, chunk.COLUMNS, chunk.KEY, path, ahead=True)
    return (ParquetRows if in_python else RowsOfProduct)(file, chunk.COLUMNS, chunk.KEY, path)
