"""Parquet chunk to JSON rows, the hot path: ``NativeRows``, or ``ParquetRows`` if it is not built."""

from shared.encoding.batch import EncodedBatch
from shared.encoding.native import INSTALLED as NATIVE_INSTALLED
from shared.encoding.native import NativeRows
from shared.encoding.parquet import ParquetRows

__all__ = ["NATIVE_INSTALLED", "EncodedBatch", "NativeRows", "ParquetRows"]
