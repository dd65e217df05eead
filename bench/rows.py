"""The chunk's rows with the product's encoder: the native one if it is built."""

from typing import Any

from bench import chunk
from shared.encoding import NATIVE_INSTALLED, NativeRows, ParquetRows

RowsOfProduct = NativeRows if NATIVE_INSTALLED else ParquetRows


def rows_of(file: Any, path: str, *, in_python: bool = False, ahead: bool = False) -> ParquetRows:
    """Return all rows; ``in_python`` selects the slower encoder, ``ahead`` the thread that encodes ahead."""
    if ahead:
        return NativeRows(file, chunk.COLUMNS, chunk.KEY, path, ahead=True)
    return (ParquetRows if in_python else RowsOfProduct)(file, chunk.COLUMNS, chunk.KEY, path)
